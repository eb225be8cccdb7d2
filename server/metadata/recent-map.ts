export type RecentMap<K, V> = { get(key: K): V | undefined; set(key: K, value: V): void }

/** What was used last: `size` entries at least, twice as many at most. Values are never undefined. */
export function recentMap<K, V>(size: number): RecentMap<K, V> {
  let young = new Map<K, V>()
  let old = new Map<K, V>()
  const set = (key: K, value: V): void => {
    young.set(key, value)
    if (young.size < size) return
    old = young
    young = new Map()
  }
  return {
    set,
    get: (key) => {
      const found = young.get(key)
      if (found !== undefined) return found
      const kept = old.get(key)
      if (kept !== undefined) set(key, kept)
      return kept
    },
  }
}
