/** Markup that is safe to put into a document: made by `html` only. */
export type Html = { readonly markup: string }

// oxlint-disable-next-line no-control-regex -- control characters, and those that turn the direction of text, are what it looks for
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

const escapeHtml = (text: string): string =>
  text
    .toWellFormed()
    .replace(UNSEEN, '\ufffd')
    .replace(/[&<>"']/g, (char) => ENTITIES[char] ?? '')

type Part = Html | string | number | readonly Html[]

const markupOf = (part: Part): string => {
  if (typeof part === 'object') return 'markup' in part ? part.markup : part.map((each) => each.markup).join('')
  return escapeHtml(String(part))
}

/** A template whose values are escaped, for text and quoted attributes, unless they are markup themselves. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  markup: strings.map((text, at) => text + (at < parts.length ? markupOf(parts[at] ?? '') : '')).join(''),
})
