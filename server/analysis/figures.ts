/** A number with as many digits as a reader needs. */
export function figure(x: number): string {
  if (!Number.isFinite(x)) return String(x)
  if (Number.isInteger(x) && Math.abs(x) < 1e15) return String(x)
  const size = Math.abs(x)
  return size >= 1e6 || (size > 0 && size < 1e-3) ? x.toExponential(2) : String(Number(x.toPrecision(4)))
}

/** A number of things, its thousands apart. */
export const counted = (n: number): string => n.toLocaleString('en')

const UNITS = ['B', 'kB', 'MB', 'GB'] as const
export function bytesText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3))
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${UNITS[power]}`
}

export const percent = (share: number): string => `${share > 0 && share < 0.001 ? '< 0.1' : Number((100 * share).toPrecision(3))} %`

/** Epoch milliseconds as a day, with the time of day where there is one. */
export function moment(at: number): string {
  if (!Number.isFinite(at) || Math.abs(at) > 8.64e15) return String(at)
  const [day = '', time = ''] = new Date(at).toISOString().split('T')
  return time.startsWith('00:00:00.000') ? day : `${day} ${time.slice(0, 8)}`
}

/** A text that fits its place. */
export const short = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text)

/** Widths of letters in thousandths of their size, as wide as common fonts make them. */
const WIDTHS: readonly (readonly [RegExp, number])[] = [
  [/[ijl|!'.,:;]/u, 340],
  [/[ftr ()[\]{}"/\\-]/u, 430],
  [/[mwMW@%]/u, 1000],
  [/[\p{Lu}&]/u, 790],
  [/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Extended_Pictographic}\p{M}…]/u, 1050],
]

/** A text cut to so many pixels of a font of `size` pixels, whatever its letters: what is drawn at a fixed place can be measured by no browser. */
export function fitted(text: string, pixels: number, size: number): string {
  const widthOf = (letter: string): number => ((WIDTHS.find(([letters]) => letters.test(letter))?.[1] ?? 650) * size) / 1000
  const end = widthOf('…')
  let [width, kept] = [0, '']
  for (const letter of text) {
    width += widthOf(letter)
    if (width > pixels) return `${kept}…`
    if (width + end <= pixels) kept += letter
  }
  return text
}
