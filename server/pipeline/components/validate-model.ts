import * as z from 'zod'
import { canonicalJson } from '../../../shared/core/canonical-json.ts'
import { defineComponent } from '../component.ts'
import { answersOf } from '../data/evaluate-model.ts'
import { evaluateRows } from '../data/evaluate-rows.ts'
import { preparation } from '../data/example-form.ts'
import { findLive, liveVersion } from '../data/live-version.ts'
import type { Subject } from '../data/measured.ts'
import { figuresOf, metricsDocument } from '../data/metrics-document.ts'
import { readModel } from '../data/model-file.ts'
import { pairedGain } from '../data/paired-gain.ts'
import { type Contestant, rival, rivalOn, rivalVersions, versionOn } from '../data/rivals.ts'
import { examineSegments } from '../data/segments.ts'
import { signatureChanges } from '../data/signature-change.ts'
import { loadSplit } from '../data/split-examples.ts'
import { startStepBackend } from '../data/step-backend.ts'
import { type Check, type ComparePaired, judge, type Rivals, threshold } from '../model-gate.ts'
import { segmentRules } from '../segment-gate.ts'

const params = z.strictObject({
  model: z.string(),
  alias: z.string().default('stable'),
  thresholds: z.array(threshold).min(1),
  /** Other models that thresholds may name, measured on the same rows: baselines, and those that stand for what the business requires. */
  rivals: z.record(z.string().regex(/^(?!live$)[a-z][a-z0-9-]*$/, 'lower-case letters, digits and hyphens; not live'), rival).default({}),
  segments: segmentRules.nullable().default(null),
  /** Whether apps written for the live version must be able to use the candidate as it is. Where not, they must change with it. */
  signature: z.enum(['unchanged', 'versioned']).default('unchanged'),
  /** Samples of the paired bootstrap. */
  resamples: z.int().min(100).max(100_000).default(1000),
})

const reads = z.strictObject({ live: liveVersion, rivals: z.record(z.string(), liveVersion) })

/**
 * Holds a candidate against fixed bounds, the live version, baselines and models of the business on the same test rows, over all and in every segment, and refuses one that does not do. Paired
 * comparisons need `model`, baselines `train`.
 */
export const validateModel = defineComponent({
  name: 'validate-model',
  version: '2',
  module: import.meta.url,
  inputs: { metrics: 'metrics', test: 'split', transforms: 'transforms', model: 'model?', train: 'split?' },
  outputs: { blessing: 'blessing' },
  params,
  reads: async ({ params: { model, alias, rivals }, api }) => ({
    live: await findLive(api, model, alias),
    rivals: await rivalVersions(api, rivals),
  }),
  async run({ inputs, params: given, reads: found, seed, api, signal, blobs, folder, log, progress }) {
    const { model, thresholds, rivals, segments, resamples } = given
    await startStepBackend()
    const prepared = await inputs.transforms.json(preparation)
    const candidate = await inputs.metrics.json(metricsDocument)
    const versions = reads.parse(found)
    const split = await loadSplit(inputs.test.path, prepared, folder)
    const columns = (inputs.test.properties['columns'] ?? []) as string[]
    const context = { prepared, test: { path: inputs.test.path, split, columns }, trainPath: inputs.train?.path, api, folder, seed, signal }

    progress(0, 3, 'measuring others on the same data')
    const contestants = new Map<string, Contestant | string | null>()
    contestants.set('live', versions.live === null ? null : await versionOn(versions.live, context))
    for (const [name, one] of Object.entries(rivals)) contestants.set(name, await rivalOn(name, one, versions.rivals[name], context))
    const { task } = candidate
    const ranking = candidate.ranking ?? undefined
    const subject = ({ answers, split: rows }: Pick<Contestant, 'answers' | 'split'>): Subject => ({ task, answers, split: rows, ranking })
    const documents: Rivals = Object.fromEntries(
      [...contestants].map(([name, one]) => [
        name,
        one === null || typeof one === 'string'
          ? one
          : evaluateRows({
              ...subject(one),
              labels: one.labels,
              by: candidate.slicedBy ?? undefined,
              minRows: 1,
              resamples: 0,
              confidence: 0.95,
              seed,
            }),
      ]),
    )

    progress(1, 3, 'comparing row by row')
    const mine = inputs.model && subject({ answers: await answersOf(await readModel(inputs.model.path), split, prepared, signal), split })
    /** Those that answered the very same rows, with the same labels. */
    const sameRows = (name: string): Subject | undefined => {
      const one = contestants.get(name)
      if (one === null || one === undefined || typeof one === 'string') return undefined
      const same = canonicalJson(one.labels) === canonicalJson(prepared.labels) && one.split.labels.length === split.labels.length
      return same ? subject(one) : undefined
    }
    const rowsOf = (slice: string | null): Int32Array => {
      const within = slice?.split(' & ').map((part) => part.split(/=(.*)/s)) ?? []
      const all = Array.from(split.labels, (_, i) => i)
      return Int32Array.from(
        all.filter((i) =>
          within.every(([column = '', value]) =>
            column === 'label' ? prepared.labels[split.labels[i] ?? -1] === value : split.groups[column]?.[i] === value,
          ),
        ),
      )
    }
    const comparePaired: ComparePaired = ({ against, slice, ...question }) => {
      const other = sameRows(against)
      return mine && other && pairedGain({ candidate: mine, other, rows: rowsOf(slice) }, { ...question, resamples, seed })
    }
    const judged = judge({ candidate, rivals: documents, thresholds, comparePaired })

    progress(2, 3, 'segments and signature')
    const live = contestants.get('live')
    const fail = (metric: string, why: string): Check => ({
      metric,
      slice: null,
      against: 'live',
      candidate: null,
      other: null,
      paired: null,
      ok: false,
      why,
    })
    const examined =
      segments === null
        ? { checks: [], evidence: [] }
        : mine === undefined
          ? { checks: [fail('segments', 'segments are compared row by row: wire model to the validate-model step')], evidence: [] }
          : examineSegments(mine, sameRows('live'), { rules: segments, resamples, seed })
    const changes = typeof live === 'object' && live?.manifest ? signatureChanges(prepared, live.manifest) : []
    const signature =
      given.signature === 'unchanged'
        ? changes.map((what) =>
            fail(
              'signature',
              `apps of version ${versions.live?.version} could not use the candidate as it is: ${what} (allow with signature: versioned)`,
            ),
          )
        : []

    const checks = [...judged.checks, ...examined.checks, ...signature]
    const blessed = judged.checks.length > 0 && checks.every(({ ok }) => ok)
    for (const { ok, why } of checks) log[ok ? 'info' : 'warn'](`${ok ? 'passed' : 'refused'}: ${why}`)
    const reasons = checks.filter(({ ok }) => !ok).map(({ why }) => why)
    const told = (name: string) => {
      const document = documents[name]
      return typeof document === 'object' && document !== null ? figuresOf(document) : null
    }
    const liveFigures = told('live')
    const outputs = {
      blessing: await blobs.json(
        {
          model,
          blessed,
          reasons,
          checks,
          candidate: figuresOf(candidate),
          live: versions.live === null || liveFigures === null ? null : { version: versions.live.version, metrics: liveFigures },
          rivals: Object.fromEntries(Object.keys(rivals).map((name) => [name, told(name)])),
          segments: examined.evidence,
          signatureChanges: changes,
          resamples,
        },
        { properties: { blessed, liveVersion: versions.live?.version ?? null, liveAccuracy: liveFigures?.['accuracy'] ?? null } },
      ),
    }
    if (blessed) return { outputs }
    return {
      outputs,
      refused: { code: 'not_blessed', detail: reasons.join('; '), issues: reasons.map((what) => ({ where: model, what })) },
    }
  },
})
