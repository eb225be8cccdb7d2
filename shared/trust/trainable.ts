import type { Manifest } from './manifest.ts'

/** Why devices cannot train a version; undefined where they can. */
export const whyUntrainable = ({ version, requires: { runtime } }: Pick<Manifest, 'version' | 'requires'>): string | undefined =>
  runtime === 'tfjs-layers' ? undefined : `version ${version} is a model of the kind ${runtime}, which answers but cannot be trained`
