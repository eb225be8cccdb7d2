import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from './measure.ts'

// npm run bench -- NAME [words for the bench]: a table while it goes, and as the last line {"bench":NAME,"figures":{…}}.
// Each file in test/bench is one: its first line says in a comment what it measures, and it exports `bench`.

const FOLDER = join(import.meta.dirname, 'bench')
const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
  .sort()

const [name, ...words] = process.argv.slice(2)
if (name === undefined || name === '--help') {
  const width = Math.max(...names.map((each) => each.length))
  for (const each of names) console.log(`${each.padEnd(width)}  ${aboutOf(each)}`)
} else if (!names.includes(name)) {
  console.error(`not_found: there is no bench ${name}; there are ${names.join(', ')}`)
  process.exitCode = 2
} else if (words.includes('--help')) {
  console.log(aboutOf(name))
} else {
  const { bench } = (await import(`./bench/${name}.ts`)) as { bench: Bench }
  const figures = await bench({ words, say: (line) => console.log(line), table: (rows) => console.table(rows) })
  console.log(JSON.stringify({ bench: name, figures }))
}

function aboutOf(bench: string): string {
  return /^\/\/ (.*)/.exec(readFileSync(join(FOLDER, `${bench}.ts`), 'utf8'))?.[1] ?? ''
}
