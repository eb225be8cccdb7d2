import { canonicalJson } from '../../../shared/core/canonical-json.ts'
import { type FrozenTransform, inputsOf } from '../../../shared/data/transforms.ts'

type Signature = { readonly transforms: readonly FrozenTransform[]; readonly labels: readonly string[] }

const sizeOf = (transform: FrozenTransform): string =>
  transform.kind === 'image-scale' ? ` (${transform.height}x${transform.width}x${transform.channels})` : ''
const takenBy = ({ transforms }: Signature): string[] => [
  ...new Set(transforms.flatMap((transform) => inputsOf(transform).map((name) => `${name}${sizeOf(transform)}`))),
]

/** What apps that were written for `live` would stumble over: inputs that they do not send, answers that they do not know. Fewer inputs are no change to them. */
export function signatureChanges(candidate: Signature, live: Signature): string[] {
  const known = takenBy(live)
  const added = takenBy(candidate).filter((name) => !known.includes(name))
  return [
    ...(added.length === 0 ? [] : [`it takes ${added.join(', ')}, which apps do not send yet`]),
    ...(canonicalJson(candidate.labels) === canonicalJson(live.labels)
      ? []
      : [`its labels are ${candidate.labels.join(', ') || 'none (a number)'}, apps know ${live.labels.join(', ') || 'none (a number)'}`]),
  ]
}
