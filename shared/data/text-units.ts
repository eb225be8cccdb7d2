// what is left when white space and the punctuation of ASCII, Latin-1, general and CJK is taken away: written out, as what an engine calls a letter changes with its edition of Unicode
const WORD = /[0-9A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u1fff\u2070-\u2fff\u3004-\u3007\u3021-\ufefe\uff00-\uffff]+/g

/** Latin, Greek, Cyrillic and Armenian, whose pairs of capital and small letters are the same in every edition of Unicode that an engine may know. */
const FOLDED = /[A-Z\u00c0-\u05ff]+/g

/** Text with composed accents (NFC) and small letters, so that the same word typed on two keyboards is one. */
const folded = (text: string): string => text.normalize('NFC').replace(FOLDED, (capitals) => capitals.toLowerCase())

const wordsOf = (text: string): string[] => folded(text).match(WORD) ?? []

/** Runs of `min` to `max` words or characters, in order of length and place. Words keep one space between them, as do the characters of a text. */
export function ngramsOf(text: string, unit: 'word' | 'character', min: number, max: number): string[] {
  const words = wordsOf(text)
  const units = unit === 'word' ? words : Array.from(words.join(' '))
  const joint = unit === 'word' ? ' ' : ''
  const grams: string[] = []
  for (let n = min; n <= max; n++) for (let at = 0; at + n <= units.length; at++) grams.push(units.slice(at, at + n).join(joint))
  return grams
}
