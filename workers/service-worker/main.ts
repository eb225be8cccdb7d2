/// <reference lib="webworker" />
import { cleanupOutdatedCaches, createHandlerBoundToURL, type PrecacheEntry, precacheAndRoute } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'

declare const self: ServiceWorkerGlobalScope & { readonly __WB_MANIFEST: (PrecacheEntry | string)[] }

// The app's own files and the runtime's WASM, by content hash. Everything else (the API under /v1, model blobs, the console's page) goes to the network untouched:
// models have their own verified store in IndexedDB.
precacheAndRoute(self.__WB_MANIFEST)
cleanupOutdatedCaches()

// One page works offline: the app at / , whatever its query says.
registerRoute(new NavigationRoute(createHandlerBoundToURL('/'), { allowlist: [/^\/(?:\?.*)?$/] }))

// Runtimes that only some models need are large: kept from their first use on, so that those models too answer offline. Names hold the content's hash.
const ON_DEMAND = /^\/assets\/((?:ort[.-]|onnx-runtime-|graph-runtime-).*)-[\w-]{8}\.(?:js|wasm)$/
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && ON_DEMAND.test(url.pathname),
  async ({ request, url }) => {
    const cache = await caches.open('shoal-runtimes')
    const kept = await cache.match(request)
    if (kept) return kept
    const response = await fetch(request)
    if (!response.ok) return response
    const stem = ON_DEMAND.exec(url.pathname)?.[1]
    for (const { url: other } of await cache.keys()) if (ON_DEMAND.exec(new URL(other).pathname)?.[1] === stem) await cache.delete(other)
    // a full disk must not keep the model from running now
    await cache.put(request, response.clone()).catch(() => undefined)
    return response
  },
)

// A waiting worker takes over only when the person agreed to the update (registerType prompt).
self.addEventListener('message', (event) => {
  if (typeof event.data === 'object' && event.data !== null && event.data.type === 'SKIP_WAITING') void self.skipWaiting()
})
