import { createRequire } from 'node:module'
import { join } from 'node:path'
import { build, type Plugin, type Rolldown } from 'vite'

/** The address that vite gives a worker's script. */
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

/** A worker in one file, and files of the workers that it starts itself. */
async function bundle(file: string): Promise<Rolldown.RolldownOutput['output']> {
  const { output } = (await build({
    configFile: false,
    logLevel: 'error',
    plugins: [addresses],
    worker: { format: 'es' },
    build: { write: false, target: 'es2023', rolldownOptions: { input: file, output: { codeSplitting: false } } },
  })) as Rolldown.RolldownOutput
  return output
}

/** Gives each worker to the browser as one file, as a build does: module by module, each start of one asked the server for hundreds. */
export function bundledWorkers(): Plugin {
  const entries = new Map<string, Promise<string>>()
  const nested = new Map<string, string>()
  const entry = async (file: string): Promise<string> => {
    const [main, ...others] = await bundle(file)
    for (const one of others) nested.set(`/${one.fileName}`, one.type === 'asset' ? one.source.toString() : one.code)
    return main.code
  }
  return {
    name: 'shoal-bundled-workers',
    configureServer({ config, middlewares }) {
      middlewares.use((request, response, next) => {
        const send = (code: string): void => {
          response
            .writeHead(200, { ...config.server.headers, 'content-type': 'text/javascript', 'cache-control': 'max-age=3600' })
            .end(code)
        }
        const known = nested.get(request.url ?? '')
        if (known !== undefined) return send(known)
        const path = WORKER.exec(request.url ?? '')?.[1]
        if (path === undefined) return next()
        const file = path.startsWith('/@fs/') ? path.slice('/@fs'.length) : join(config.root, path)
        const made = entries.get(file) ?? entry(file)
        entries.set(file, made)
        made.then(send, next)
      })
    },
  }
}
