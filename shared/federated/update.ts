import { AppError, type Issue } from '../core/errors.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { describe, type NamedTensors, type TensorData } from '../tensor/tensor.ts'

/** What an update has to hold: one tensor for each float32 weight of the base version. */
export type WeightSpec = { readonly name: string; readonly shape: readonly number[] }

/** L2 norm over all values of all tensors together, in double precision. */
export function l2Norm(tensors: NamedTensors): number {
  let sum = 0
  for (const { data } of Object.values(tensors)) for (const value of data) sum += value * value
  return Math.sqrt(sum)
}

/** A norm within rounding of the bound is not above it: what a device has clipped is not clipped again. */
const ROUNDING = 1e-5
export const exceeds = (norm: number, bound: number): boolean => norm > bound * (1 + ROUNDING)

/** The factor that brings a norm down to the bound: min(1, bound / norm). */
export const clipFactor = (norm: number, bound: number): number => (norm > bound ? bound / norm : 1)

/** The tensors times a factor, as new ones. */
export function scaled(tensors: NamedTensors, factor: number): Record<string, TensorData> {
  const result: Record<string, TensorData> = {}
  for (const [name, tensor] of Object.entries(tensors)) {
    const data = new Float32Array(tensor.data.length)
    for (let i = 0; i < data.length; i++) data[i] = (tensor.data[i] ?? 0) * factor
    result[name] = { dtype: 'float32', shape: tensor.shape, data }
  }
  return result
}

/** after - before for each float32 tensor of `before`. Throws shape_mismatch where `after` has another set of tensors or shapes. */
export function difference(before: NamedTensors, after: NamedTensors): Record<string, TensorData> {
  const result: Record<string, TensorData> = {}
  for (const [name, tensor] of Object.entries(before)) {
    if (tensor.dtype !== 'float32') continue
    const other = Object.hasOwn(after, name) ? after[name] : undefined
    if (other === undefined || describe(other) !== describe(tensor)) {
      throw new AppError(
        'shape_mismatch',
        `tensor ${name} must be ${describe(tensor)}, got ${other === undefined ? 'nothing' : describe(other)}`,
      )
    }
    const data = new Float32Array(tensor.data.length)
    for (let i = 0; i < data.length; i++) data[i] = (other.data[i] ?? 0) - (tensor.data[i] ?? 0)
    result[name] = { dtype: 'float32', shape: tensor.shape, data }
  }
  return result
}

export type UpdateFacts = {
  /** Norm as it was handed in. */ readonly norm: number
  readonly clipped: boolean /** What it counts for in the mean. */
  readonly examples: number
}

/**
 * Whether an update may count. Fails with shape_mismatch (a tensor missing, unknown or of another form), output_not_finite (NaN or an infinity),
 * invalid_input (no number of examples). A norm above the bound is no failure: it is clipped when it is added. More examples than the plan
 * allows are cut to what it allows, so that nobody weighs more than that by saying so.
 */
export function checkUpdate(
  tensors: NamedTensors,
  {
    examples,
    weights,
    clipNorm,
    maxExamples,
  }: { examples: string | undefined; weights: readonly WeightSpec[]; clipNorm: number; maxExamples: number },
): Result<UpdateFacts> {
  const issues: Issue[] = []
  const wanted = new Map(weights.map((weight) => [weight.name, describe({ dtype: 'float32', shape: weight.shape })]))
  for (const name of Object.keys(tensors)) if (!wanted.has(name)) issues.push({ where: name, what: 'is no weight of the base version' })
  for (const [name, form] of wanted) {
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined
    const got = tensor === undefined ? 'nothing' : describe(tensor)
    if (got !== form) issues.push({ where: name, what: `expected ${form}, got ${got}` })
  }
  const [first] = issues
  if (first !== undefined)
    return fail(
      new AppError('shape_mismatch', `the update does not fit its base version: ${first.where} ${first.what}`, {
        issues: issues.slice(0, 20),
      }),
    )
  for (const [name, { data }] of Object.entries(tensors)) {
    for (const value of data)
      if (!Number.isFinite(value))
        return fail(new AppError('output_not_finite', `tensor ${name} of the update holds ${value}: training went wrong on this device`))
  }
  const count = Number(examples)
  if (examples === undefined || !Number.isSafeInteger(count) || count < 1) {
    return fail(new AppError('invalid_input', `metadata examples is ${examples ?? 'missing'}: say how many examples were trained on`))
  }
  const norm = l2Norm(tensors)
  return ok({ norm, clipped: exceeds(norm, clipNorm), examples: Math.min(count, maxExamples) })
}
