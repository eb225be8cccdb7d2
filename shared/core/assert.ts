/** States what the code relies on. A false condition is a bug in Shoal, never a consequence of input. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${what}`)
}

/** The value, where the code knows that it exists. */
export function must<T>(value: T | null | undefined, what: string): T {
  assert(value !== null && value !== undefined, `${what} exists`)
  return value
}

/** Ends a switch over a union: a member without a case is a compile error. */
export function exhausted(value: never): never {
  throw new Error(`Unhandled case: ${JSON.stringify(value)}`)
}
