import * as z from 'zod/mini'

/** Losses of the GPU device on this device, under one runtime, browser and GPU. */
export const gpuLosses = z.object({ fingerprint: z.string(), at: z.array(z.number()), demotedUntil: z.number() })
export type GpuLosses = z.infer<typeof gpuLosses>

export const GPU_LOSSES = 'gpu losses'

/** So many losses within so long, and WebGPU is not used for a day: a driver that resets under us now will do so again. */
const MOST = 2
const WITHIN_MS = 10 * 60 * 1000
/** One loss is noticed by every tab and every model. */
const SAME_MS = 5000
const DEMOTED_MS = 24 * 60 * 60 * 1000

/** What is remembered after a loss at `now`. Another browser or GPU starts with a clean record. */
export function afterLoss(known: GpuLosses | undefined, fingerprint: string, now: number): GpuLosses {
  const before = known?.fingerprint === fingerprint ? known : { at: [], demotedUntil: 0 }
  if (before.at.some((time) => Math.abs(now - time) < SAME_MS)) return { fingerprint, ...before }
  const at = [...before.at.filter((time) => time > now - WITHIN_MS && time <= now), now]
  return { fingerprint, at, demotedUntil: at.length >= MOST ? now + DEMOTED_MS : before.demotedUntil }
}

/** Why WebGPU is out of the question now; undefined where it is not. */
export const demotion = (known: GpuLosses | undefined, now: number): { fingerprint: string; why: string } | undefined =>
  known === undefined || known.demotedUntil <= now
    ? undefined
    : {
        fingerprint: known.fingerprint,
        why: `the GPU was lost ${MOST} times within ${WITHIN_MS / 60_000} minutes, so it is left alone until ${new Date(known.demotedUntil).toISOString().slice(0, 16)}Z`,
      }
