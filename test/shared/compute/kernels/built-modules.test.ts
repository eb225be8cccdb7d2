import { gzipSync } from 'node:zlib'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { KERNEL_BUILDS, loadKernels, runsHere } from '../../../../shared/compute/kernels/load-kernels.ts'
import { WASM as relaxed } from '../../../../shared/compute/kernels/relaxed-module.ts'
import { WASM as simd } from '../../../../shared/compute/kernels/simd-module.ts'
import { fromBase64 } from '../../../../shared/core/bytes.ts'
import { unwrap } from '../../../../shared/core/result.ts'
import { ROOT } from '../../../house/files.ts'
import { kernelFiles } from '../../../kernels/kernel-files.ts'

/** Without what a formatter may change. */
const bare = (source: string): string => source.replaceAll(/[\s,;]|'/g, '')

test('[CMP-21] the files made from the kernels’ sources are what the sources give today', { timeout: 120_000 }, async () => {
  for (const [name, content] of Object.entries(await kernelFiles())) {
    const committed = readFileSync(join(ROOT, 'shared', 'compute', 'kernels', name), 'utf8')
    // no diff of base64
    expect(bare(committed) === bare(content), `${name}: run npm run build:kernels`).toBe(true)
  }
})

test('[CMP-21] both builds together are at most 80 kB compressed', () => {
  const sizes = [relaxed, simd].map((text) => gzipSync(fromBase64(text)).length)
  expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(80_000)
})

test('[CMP-21] a build is compiled once, and the fused one is taken where it runs', async () => {
  for (const build of KERNEL_BUILDS) {
    expect(runsHere(build)).toBe(true)
    const [one, other] = await Promise.all([loadKernels({ build }), loadKernels({ build })])
    expect(unwrap(one).module).toBe(unwrap(other).module)
  }
  expect(unwrap(await loadKernels()).build).toBe('relaxed')
})
