import * as z from 'zod'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { canonicalJson } from '../../../shared/core/canonical-json.ts'
import { defineComponent } from '../component.ts'
import { evaluateModel } from '../data/evaluate-model.ts'
import { preparation } from '../data/example-form.ts'
import { fetchVersion, findLive, liveVersion } from '../data/live-version.ts'
import { figuresOf, metricsDocument, metricsOf } from '../data/metrics-document.ts'
import { loadSplit } from '../data/split-examples.ts'
import { type Check, judge, threshold } from '../model-gate.ts'

const params = z.strictObject({
  model: z.string(),
  alias: z.string().default('stable'),
  thresholds: z.array(threshold).min(1),
  /** Lets a candidate have other labels than the live version: apps that know the labels must then change with it. */
  newLabels: z.boolean().default(false),
})

/** Holds a candidate against fixed bounds and against the live version on the same test data, and refuses a worse one. */
export const validateModel = defineComponent({
  name: 'validate-model',
  version: '1',
  module: import.meta.url,
  inputs: { metrics: 'metrics', test: 'split', transforms: 'transforms' },
  outputs: { blessing: 'blessing' },
  params,
  reads: ({ params: { model, alias }, api }) => findLive(api, model, alias),
  async run({ inputs, params: { model, thresholds, newLabels }, reads, api, signal, blobs, folder, log, progress }) {
    const prepared = await inputs.transforms.json(preparation)
    const candidate = await inputs.metrics.json(metricsDocument)
    const live = liveVersion.parse(reads)
    const extra: Check[] = []
    let baseline = null
    if (live !== null) {
      progress(0, 1, `measuring version ${live.version} on the same data`)
      const fetched = await fetchVersion(api, live.manifest as Sha256, signal)
      const sameLabels = canonicalJson(fetched.manifest.labels) === canonicalJson(prepared.labels)
      if (!sameLabels && !newLabels)
        extra.push({
          metric: 'labels',
          slice: null,
          candidate: null,
          live: null,
          ok: false,
          why: `the labels differ from those of version ${live.version}: apps may not know them (allow with newLabels)`,
        })
      // each version brings its own frozen transforms and labels: it is measured as devices run it
      const own = { ...prepared, transforms: fetched.manifest.transforms, labels: fetched.manifest.labels }
      const test = await loadSplit(inputs.test.path, own, folder)
      baseline = metricsOf((await evaluateModel(fetched.model, test, own, signal)).evaluation, own.labels)
    }
    const judged = judge(candidate, baseline, thresholds)
    const checks = [...judged.checks, ...extra]
    const blessed = judged.blessed && extra.length === 0
    for (const { ok, why } of checks) log[ok ? 'info' : 'warn'](`${ok ? 'passed' : 'refused'}: ${why}`)
    const reasons = checks.filter(({ ok }) => !ok).map(({ why }) => why)
    const outputs = {
      blessing: await blobs.json(
        {
          model,
          blessed,
          reasons,
          checks,
          candidate: figuresOf(candidate),
          live: live === null || baseline === null ? null : { version: live.version, metrics: figuresOf(baseline) },
        },
        { properties: { blessed, liveVersion: live?.version ?? null, liveAccuracy: baseline?.accuracy ?? null } },
      ),
    }
    if (blessed) return { outputs }
    return {
      outputs,
      refused: { code: 'not_blessed', detail: reasons.join('; '), issues: reasons.map((what) => ({ where: model, what })) },
    }
  },
})
