import { fileURLToPath } from 'node:url'
import preact from '@preact/preset-vite'
import { defineConfig, type Plugin } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'
import { ISOLATION_HEADERS } from './server/http/security-headers.ts'

const root = fileURLToPath(new URL('.', import.meta.url))
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** Where each page's source lies, and where it is served. */
const PAGES = [
  { source: 'client/app/index.html', file: 'index.html', url: '/' },
  { source: 'client/console/index.html', file: 'console/index.html', url: '/console/' },
  { source: 'client/check/index.html', file: 'check/index.html', url: '/check/' },
] as const

/** Serves and writes each page at its own address instead of at its place in the source tree. */
function pageAddresses(): Plugin {
  return {
    name: 'shoal-page-addresses',
    enforce: 'post',
    configureServer(server) {
      server.middlewares.use((request, _, next) => {
        const page = PAGES.find(({ url }) => request.url?.split('?')[0] === url)
        if (page) request.url = `/${page.source}`
        next()
      })
    },
    generateBundle(_, bundle) {
      for (const { source, file } of PAGES) {
        const page = bundle[source]
        if (page?.type !== 'asset') continue
        delete bundle[source]
        this.emitFile({ type: 'asset', fileName: file, source: page.source })
      }
    },
  }
}

/** Runtimes that only some models need (workers/service-worker keeps them after their first use). */
const ON_DEMAND = ['assets/ort[.-]*', 'assets/onnx-runtime-*', 'assets/graph-runtime-*']

const proxy = { target: process.env['SHOAL_URL'] ?? 'http://localhost:8787' }

export default defineConfig({
  root,
  appType: 'mpa',
  publicDir: path('public'),
  // isolated, as the server serves them
  server: {
    headers: { ...ISOLATION_HEADERS },
    proxy: { '/v1': proxy, '/docs': proxy, '/openapi.json': proxy },
  },
  build: {
    outDir: path('dist'),
    emptyOutDir: true,
    target: 'es2023',
    sourcemap: false,
    // the one large chunk is the runtime, in the worker
    chunkSizeWarningLimit: 2500,
    rolldownOptions: {
      input: { app: path('client/app/index.html'), console: path('client/console/index.html'), check: path('client/check/index.html') },
      // pages use names and types of the runtime only; it runs in the worker, which is built apart from this
      treeshake: { moduleSideEffects: [{ test: /\/shared\/compute\/|\/@tensorflow\//, sideEffects: false }] },
    },
  },
  worker: { format: 'es' },
  plugins: [
    preact(),
    pageAddresses(),
    VitePWA({
      strategies: 'injectManifest',
      registerType: 'prompt',
      injectRegister: false,
      // public/manifest.webmanifest, linked from the app's page
      manifest: false,
      srcDir: 'workers/service-worker',
      filename: 'service-worker.js',
      integration: {
        beforeBuildServiceWorker: (options) => {
          options.swSrc = path('workers/service-worker/main.ts')
        },
      },
      injectManifest: {
        globPatterns: ['index.html', 'assets/*.{js,css,wasm}', '*.{svg,webmanifest}', 'icon-192.png'],
        // the console needs the server anyway; runtimes of other kinds of models are kept when one is first used
        globIgnores: ['assets/console-*', 'assets/check-*', 'assets/plot-options-*', ...ON_DEMAND],
        // under the address that the server gives it
        manifestTransforms: [
          async (entries) => ({ manifest: entries.map((entry) => (entry.url === 'index.html' ? { ...entry, url: '/' } : entry)) }),
        ],
        maximumFileSizeToCacheInBytes: 8 * 1024 * 1024,
      },
    }),
  ],
})
