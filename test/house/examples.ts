export type Example = { readonly line: number; readonly language: string; readonly code: string; readonly output: string[] }

/**
 * The fenced blocks of a Markdown text that are marked to be run: ```` ```sh run ```` and ```` ```ts run ````. A ```` ```text output ````
 * block that comes next says what is printed: each of its lines must occur. With `all`, every fenced block.
 */
export function examplesIn(markdown: string, { all = false }: { readonly all?: boolean } = {}): Example[] {
  const found: Example[] = []
  const lines = markdown.split('\n')
  let open: { line: number; words: string[]; fence: string; code: string[] } | undefined
  for (const [index, line] of lines.entries()) {
    const fence = /^(`{3,})(.*)$/.exec(line)
    if (open && fence?.[1] === open.fence && fence[2] === '') {
      const [language = '', ...marks] = open.words
      if (marks.includes('output')) found.at(-1)?.output.push(...open.code.filter((each) => each.trim() !== ''))
      if (all || marks.includes('run')) found.push({ line: open.line, language, code: open.code.join('\n'), output: [] })
      open = undefined
    } else if (open) open.code.push(line)
    else if (fence?.[1]) open = { line: index + 1, words: (fence[2] ?? '').trim().split(/\s+/), fence: fence[1], code: [] }
  }
  return found
}
