/** A primitive that only its own parser makes, so that a model's name cannot be passed where a run's id belongs. */
export type Brand<T, Name extends string> = T & { readonly '~brand': Name }
