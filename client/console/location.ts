import { signal } from '@preact/signals'

/** Where in the console one is: `#/runs/run_x?step=train` is the path ['runs', 'run_x'] and the query step=train. */
export type Place = { readonly path: readonly string[]; readonly query: URLSearchParams }

export function placeOf(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  return {
    path: path
      .split('/')
      .filter((part) => part !== '')
      .map(decoded),
    query: new URLSearchParams(query),
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** A link to a place: `linkTo(['runs', id], { step: 'train' })`. */
export function linkTo(path: readonly string[], query: Record<string, string> = {}): string {
  const search = new URLSearchParams(query).toString()
  return `#/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`
}

/** The place now. Hash addresses, so that every deep link works from any static server and survives a reload. */
export const place = signal<Place>(placeOf(location.hash))

addEventListener('hashchange', () => {
  const pathBefore = place.peek().path.join('/')
  place.value = placeOf(location.hash)
  if (place.peek().path.join('/') !== pathBefore) {
    scrollTo(0, 0)
    // a new page: the keyboard and the screen reader start at its heading
    requestAnimationFrame(() => document.querySelector<HTMLElement>('main h1')?.focus())
  }
})

/** Changes the query in place, without a new entry in the history. */
export function setQuery(query: Record<string, string>): void {
  history.replaceState(null, '', linkTo(place.peek().path, query))
  place.value = placeOf(location.hash)
}
