import { toBase64 } from '../../shared/core/bytes.ts'
import { compileKernels, kernelSources } from './compile-kernels.ts'

/** What the compiler's sources say each exported kernel takes, as a TypeScript type. */
function signatures(): string {
  const sources = kernelSources()
  const index = sources.get('index.ts') ?? ''
  const kernels = [...index.matchAll(/export \{([^}]*)\} from '\.\/([^']+)'/g)].flatMap(([, names = '', file = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => signatureOf(name, sources.get(file) ?? '')),
  )
  const list = kernels.sort().join('\n')
  return `// Written by npm run build:kernels.\n// biome-ignore-all format: a line for each kernel, however long\n\n/** The kernels of shared/compute/kernels/assembly, where they are described. Addresses and strides are bytes. */\nexport type Kernels = {\n${list}\n}\n`
}

function signatureOf(name: string, source: string): string {
  const found = new RegExp(`export function ${name}\\(([^)]*)\\): (\\w+)`).exec(source)
  if (found === null) throw new Error(`the kernel ${name} is exported by index.ts and defined nowhere`)
  const [, parameters = '', result] = found
  const names = parameters
    .split(',')
    .map((parameter) => parameter.split(':')[0]?.trim() ?? '')
    .filter((parameter) => parameter !== '')
  return `  ${name}(${names.map((each) => `${each}: number`).join(', ')}): ${result === 'void' ? 'void' : 'number'}`
}

const moduleFile = (bytes: Uint8Array): string =>
  `// Written by npm run build:kernels from shared/compute/kernels/assembly.\n\nexport const WASM =\n  '${toBase64(bytes)}'\n`

/** Every file that is made from the kernels' sources, by its name in shared/compute/kernels; layout apart. */
export async function kernelFiles(): Promise<Record<string, string>> {
  return {
    'relaxed-module.ts': moduleFile(await compileKernels({ relaxed: true })),
    'simd-module.ts': moduleFile(await compileKernels({ relaxed: false })),
    'kernel-signatures.ts': signatures(),
  }
}
