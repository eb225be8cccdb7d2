import type { Brand } from './brand.ts'
import type { Random } from './random.ts'

/** What each generated id begins with. Names that people choose (models, pipelines, datasets) are slugs, not ids. */
export const ID_PREFIXES = {
  key: 'key',
  device: 'dev',
  run: 'run',
  step: 'step',
  artifact: 'art',
  rollout: 'rol',
  alert: 'alt',
  prediction: 'pre',
  round: 'rnd',
  lease: 'lea',
  trigger: 'trg',
} as const

export type IdKind = keyof typeof ID_PREFIXES
export type Id<K extends IdKind> = Brand<string, `${K}-id`>
export type KeyId = Id<'key'>
export type DeviceId = Id<'device'>
export type RunId = Id<'run'>
export type StepId = Id<'step'>
export type ArtifactId = Id<'artifact'>
export type RolloutId = Id<'rollout'>
export type AlertId = Id<'alert'>
export type PredictionId = Id<'prediction'>
export type RoundId = Id<'round'>
export type LeaseId = Id<'lease'>

/** Crockford's base 32, lower case: no i, l, o, u, so that an id survives being read aloud. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const ID_LENGTH = 20

/** A new id with 100 random bits. It says nothing about time or order. */
export function newId<K extends IdKind>(kind: K, random: Random): Id<K> {
  let text = ''
  for (let i = 0; i < ID_LENGTH; i++) text += ALPHABET[random.integer(ALPHABET.length)]
  return `${ID_PREFIXES[kind]}_${text}` as Id<K>
}

export const idPattern = (kind: IdKind): RegExp => new RegExp(`^${ID_PREFIXES[kind]}_[${ALPHABET}]{${ID_LENGTH}}$`)

export const isId = <K extends IdKind>(kind: K, text: unknown): text is Id<K> => typeof text === 'string' && idPattern(kind).test(text)

/** A name that people choose: lower case letters, digits and single hyphens, 1 to 64 characters. */
export type Slug = Brand<string, 'Slug'>
export const SLUG = /^[a-z0-9](?:-?[a-z0-9]){0,63}$/
