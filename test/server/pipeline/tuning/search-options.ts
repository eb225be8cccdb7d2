import type { SearchOptions } from '../../../../server/pipeline/tuning/run-search.ts'

type Study = SearchOptions['study']

/** A search that prunes by halving, two trials at a time; the rest of its options say what for. */
export const halvingSearch = (
  { space, trials, startup, epochs }: Pick<Study, 'space' | 'trials' | 'epochs'> & { readonly startup: number },
  rest: Pick<SearchOptions, 'base' | 'runner'> & Partial<SearchOptions>,
): SearchOptions => ({
  study: {
    space,
    trials,
    sampler: { kind: 'tpe', startup, candidates: 24 },
    halving: { kind: 'asha', reduction: 3, least: 1 },
    epochs,
    patience: null,
    seed: 5,
  },
  objective: 'accuracy',
  parallel: 2,
  known: new Map(),
  signal: new AbortController().signal,
  record: async () => {},
  onTrial: () => {},
  ...rest,
})
