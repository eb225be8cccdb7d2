import type { DatasetSchema, Domain, FeatureSchema } from '../../shared/data/schema.ts'
import { figure, moment, percent, short } from './figures.ts'
import { type Html, html } from './html.ts'

/** Values of a domain that are named; the others are counted. */
const NAMED = 8
const NAME_LENGTH = 60

/** The schema that the rows fit, as a table that a person reads before accepting it. */
export const schemaPart = (schema: DatasetSchema): Html =>
  html`<section><h2>Inferred schema</h2><details><summary>${schema.features.length} features: to be reviewed before it is accepted</summary>
<div class="wide"><table><thead><tr><th>Feature<th>Type<th>Presence<th>Values</tr></thead><tbody>${schema.features.map(
    (feature) =>
      html`<tr><td>${short(feature.name, NAME_LENGTH)}<td>${feature.type}<td>${presenceText(feature)}<td>${valuesText(feature)}</tr>`,
  )}</tbody></table></div></details></section>`

function presenceText({ presence, environments }: FeatureSchema): string {
  const needed =
    presence === undefined ? 'may be missing' : presence.minFraction === 1 ? 'always' : `at least ${percent(presence.minFraction)}`
  return environments === undefined ? needed : `${needed}, in ${environments.join(', ')}`
}

function valuesText({ type, domain, valueCount, unique }: FeatureSchema): string {
  const parts = [
    ...(domain === undefined ? [] : [domainText(domain, type === 'time' ? moment : figure)]),
    ...(valueCount === undefined ? [] : [`lists of ${boundsText(valueCount, String)}`]),
    ...(unique === undefined ? [] : [`${boundsText(unique, String)} distinct`]),
  ]
  return parts.filter((part) => part !== '').join('; ') || 'any'
}

function domainText(domain: Domain, show: (value: number) => string): string {
  if (domain.kind === 'image') return `${domain.height} x ${domain.width} pixels, ${domain.channels} channels`
  if (domain.kind === 'values') {
    const named = domain.values.slice(0, NAMED).map((value) => (value === '' ? '(empty text)' : short(value, NAME_LENGTH)))
    const rest = domain.values.length - named.length
    return `${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}${domain.minMass < 1 ? ` in at least ${percent(domain.minMass)} of the rows` : ''}`
  }
  const odd = [...(domain.disallowNan ? ['NaN'] : []), ...(domain.disallowInf ? ['infinity'] : [])]
  return [
    ...(domain.min === undefined && domain.max === undefined ? [] : [boundsText(domain, show)]),
    ...(domain.whole === true ? ['whole numbers'] : []),
    ...(odd.length === 0 ? [] : [`no ${odd.join(', no ')}`]),
  ].join(', ')
}

function boundsText(
  { min, max }: { readonly min?: number | undefined; readonly max?: number | undefined },
  show: (value: number) => string,
): string {
  if (min === undefined) return max === undefined ? 'any number' : `at most ${show(max)}`
  return max === undefined ? `at least ${show(min)}` : min === max ? show(min) : `${show(min)} to ${show(max)}`
}
