import { availableParallelism } from 'node:os'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { ISOLATION_HEADERS } from './server/http/security-headers.ts'
import { bundledWorkers } from './test/bundled-workers.ts'
import { CHROMIUM_FLAGS, findChromium } from './test/browser.ts'

const chromium = findChromium()

/** Processes, not threads: DuckDB's native code and tests that kill or fork stay apart from each other. */
const inNode: TestProjectInlineConfiguration['test'] = {
  // Node's own modules, as in production: nothing is rewritten, and reading them takes a fifth of the time
  experimental: { viteModuleRunner: false, nodeLoader: false },
  environment: 'node',
  pool: 'forks',
  // hundreds of short tests leave much that is garbage at once: with more room for the young, less of it is copied
  execArgv: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=32'],
  testTimeout: 40_000,
  hookTimeout: 40_000,
}
/** Tests that change what a whole process computes with (backends that fail, kernels that are replaced), or need one in which nothing was started. */
const APART = 'test/shared/compute/{backends,backend-retry,gradient-repairs,trees-runtime,wasm-gradients}.test.ts'
const IN_BROWSER = 'test/**/*.browser.test.ts'

/** Files that take half a minute and more, whatever their size. */
const LONG = /(loop\/loop|console\/console|app\/app|pipeline\/digits|kill-points|storage\/kill|pipeline\/(trees-)?flights)\.test\.ts$/

/** Long ones first: in a fresh clone, where no durations are known, files are taken by size, and the longest would run alone at the end. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification): boolean => LONG.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    // many tests wait for processes and disks more than they compute: one worker, the default on two cores, leaves half of both idle; three make some wait too long
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      // files share a process: reading the same modules for each took a sixth of the time
      { test: { ...inNode, name: 'node', include: ['test/**/*.test.ts'], exclude: [IN_BROWSER, APART], isolate: false } },
      { test: { ...inNode, name: 'node-apart', include: [APART], exclude: [IN_BROWSER] } },
      {
        plugins: [bundledWorkers()],
        // isolated, as the server serves its pages
        server: { headers: { ...ISOLATION_HEADERS } },
        // found now: a dependency met first in mid-run would reload the page under the tests
        optimizeDeps: {
          include: [
            '@tensorflow/tfjs-core',
            '@tensorflow/tfjs-layers',
            '@tensorflow/tfjs-backend-cpu',
            '@tensorflow/tfjs-backend-wasm',
            '@tensorflow/tfjs-backend-webgpu',
            '@tensorflow/tfjs-converter',
            'onnxruntime-web/jspi',
            'onnxruntime-web/wasm',
            'comlink',
            'fast-check',
            'idb',
            'preact',
            '@preact/signals',
            'uplot',
            'zod/mini',
          ],
        },
        test: {
          name: 'browser',
          include: [IN_BROWSER],
          testTimeout: 30_000,
          // each waits for the GPU's adapter and for workers: alone, a file leaves a quarter of two cores idle
          maxWorkers: 2,
          browser: {
            enabled: true,
            headless: true,
            // files share a page: each page would read the same modules again
            isolate: false,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { args: [...CHROMIUM_FLAGS], ...(chromium === undefined ? {} : { executablePath: chromium }) },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
})
