import { createRequire } from 'node:module'
import { join } from 'node:path'
import { build, type Plugin, type Rolldown } from 'vite'

const WORKER = /^(.+\.ts)\?(?:.*&)?worker_file(?:&|$)/
const ADDRESS = '?url'

/** Files that a worker fetches by their address: from the development server, which serves any file of the project. */
const addresses: Plugin = {
  name: 'shoal-addresses',
  enforce: 'pre',
  resolveId: (source, importer) =>
    source.endsWith(ADDRESS) && importer !== undefined
      ? `\0${createRequire(importer).resolve(source.slice(0, -ADDRESS.length))}${ADDRESS}`
      : undefined,
  load: (id) => (id.endsWith(ADDRESS) ? `export default ${JSON.stringify(`/@fs${id.slice(1, -ADDRESS.length)}`)}` : undefined),
}

async function bundle(file: string): Promise<string> {
  const made = (await build({
    configFile: false,
    logLevel: 'error',
    plugins: [addresses],
    build: {
      write: false,
      target: 'es2023',
      minify: true,
      rolldownOptions: { input: file, output: { codeSplitting: false } },
    },
  })) as Rolldown.RolldownOutput
  return made.output[0].code
}

/** Gives each worker to the browser as one file, as a build does: module by module, each start of one asked the server for hundreds. */
export function bundledWorkers(): Plugin {
  const bundles = new Map<string, Promise<string>>()
  return {
    name: 'shoal-bundled-workers',
    configureServer({ config, middlewares }) {
      middlewares.use((request, response, next) => {
        const path = WORKER.exec(request.url ?? '')?.[1]
        if (path === undefined) return next()
        const file = path.startsWith('/@fs/') ? path.slice('/@fs'.length) : join(config.root, path)
        const bundled = bundles.get(file) ?? bundle(file)
        bundles.set(file, bundled)
        bundled.then((code) => {
          response.writeHead(200, { 'content-type': 'text/javascript', 'cache-control': 'max-age=3600' }).end(code)
        }, next)
      })
    },
  }
}
