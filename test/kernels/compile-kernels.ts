import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { main } from 'assemblyscript/asc'
import { type TileBuild, tileSource } from '../../shared/compute/kernels/tile-source.ts'
import { ROOT } from '../house/files.ts'

const SOURCES = join(ROOT, 'shared', 'compute', 'kernels', 'assembly')

/** The AssemblyScript sources by file name. */
export const kernelSources = (): Map<string, string> =>
  new Map(
    readdirSync(SOURCES)
      .sort()
      .map((name) => [name, readFileSync(join(SOURCES, name), 'utf8')]),
  )

/** The sources are plain TypeScript syntax to every other tool: here extensions go, and the comment that asks for inlining becomes the decorator. */
const toAssemblyScript = (source: string): string =>
  source.replaceAll(/(from '\.\/[^']+)\.ts'/g, "$1'").replaceAll('/** @inline */', '@inline')

/** Compiles the kernels. Throws with the compiler's messages. */
export async function compileKernels(build: TileBuild): Promise<Uint8Array> {
  const sources = kernelSources().set('tiles.ts', tileSource(build))
  let made: Uint8Array | undefined
  // -O2, never -O3: that one reorders the tiles and costs a fifth of their speed
  const args = ['index.ts', '-O2', '--runtime', 'stub', '--importMemory', '--maximumMemory', '65536', '--noAssert', '--use', 'abort=']
  const features = build.relaxed ? ['--enable', 'simd', '--enable', 'relaxed-simd'] : ['--enable', 'simd']
  const { error, stderr } = await main([...args, ...features, '--outFile', 'out.wasm'], {
    readFile: (name) => {
      const source = sources.get(basename(name))
      return source === undefined ? null : toAssemblyScript(source)
    },
    writeFile: (_, contents) => {
      made = contents as Uint8Array
    },
    listFiles: () => [],
  })
  if (error !== null || made === undefined) throw new Error(`the kernels do not compile: ${stderr.toString()}`)
  return made
}
