import { fail, ok, type Result } from '../core/result.ts'
import type { CandidateName } from './backend-choice.ts'
import { type BackendLife } from './backend-life.ts'
import { type BackendName, type BackendOptions, lifeOf, startBackend } from './backends.ts'
import { type RuntimeModel, treesElsewhere } from './load-runtime.ts'
import { checkParity } from './parity.ts'

/** The life in which each backend has proven itself: once is enough, until it is started anew. */
const proven = new Map<BackendName, BackendLife>()

/** Starts what a candidate computes on and lets it prove itself against the CPU backend, once per start. Fails with no_backend. */
export async function provenBackend(name: CandidateName, model: RuntimeModel, options: BackendOptions): Promise<Result<unknown>> {
  // onnxruntime has no gradients to compare; what it computes is proven by the model's own self-test
  if (model.format === 'onnx') return ok(undefined)
  // nothing is started for trees, on any candidate
  if (model.format === 'trees') return name === 'cpu' ? ok(undefined) : fail(treesElsewhere())
  // the plan's weights and shapes come from a model that tfjs builds, wherever
  const backend = name === 'plan' ? 'cpu' : name
  const started = await startBackend(backend, options)
  if (!started.ok || backend === 'cpu' || proven.get(backend) === lifeOf(backend)) return started
  const parity = await checkParity(backend, options)
  if (parity.ok) proven.set(backend, lifeOf(backend))
  return parity
}
