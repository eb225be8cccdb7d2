/** Looks at values one by one, in bounded memory; starts afresh after each change that it told of. */
export type ChangeDetector = {
  /** Whether the world has changed by this value. */
  add(value: number): boolean
}
