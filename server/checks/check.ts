/** One thing that was looked at, and what was found. */
export type Check = { readonly check: string; readonly ok: boolean; readonly what: string }

/** What a job tells apart: which of them is at fault. 1 is every other failure, 2 a command that was not understood. */
export const EXIT_CODES = { data: 3, schema: 4, model: 5, pipeline: 6, api: 7 } as const
