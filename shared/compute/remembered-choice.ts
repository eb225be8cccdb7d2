import * as z from 'zod/mini'
import { CANDIDATES } from './backend-choice.ts'

const candidate = z.enum(CANDIDATES)

const backendChoice = z.object({
  candidate,
  backend: z.enum(['webgpu', 'wasm', 'cpu']),
  engine: z.enum(['tfjs', 'plan', 'onnxruntime', 'trees']),
  timings: z.partialRecord(candidate, z.object({ first: z.number(), median: z.number() })),
  skipped: z.partialRecord(candidate, z.string()),
  measured: z.number(),
  remembered: z.boolean(),
  why: z.string(),
})

/** A choice as it is kept between two starts, beside what it holds for (`computeFingerprint`). */
export const rememberedChoice = z.object({ choice: backendChoice, fingerprint: z.string() })
