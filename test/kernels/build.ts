import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../house/files.ts'
import { kernelFiles } from './kernel-files.ts'

// npm run build:kernels: compiles shared/compute/kernels/assembly and writes the files that are made from it.

const FOLDER = join(ROOT, 'shared', 'compute', 'kernels')
const files = await kernelFiles()
const paths = Object.entries(files).map(([name, content]) => {
  const path = join(FOLDER, name)
  writeFileSync(path, content)
  return path
})
const { status } = spawnSync('biome', ['format', '--write', ...paths], { stdio: 'inherit', shell: process.platform === 'win32' })
process.exitCode = status ?? 1
