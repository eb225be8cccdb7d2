import { AppError } from '../../shared/core/errors.ts'
import { loadPipelines } from '../pipeline/load-pipelines.ts'
import type { Check } from './check.ts'

/**
 * A file of pipelines: that it loads, and for each pipeline that steps exist, wires join outputs to inputs of their type, none waits for itself, and
 * parameters and triggers are known and fit. Each fault is told with where it is. Nothing runs but the file itself. Throws not_found.
 */
export async function checkPipeline(file: string): Promise<Check[]> {
  try {
    const pipelines = await loadPipelines(file)
    return pipelines.map(({ name, steps }) => {
      const wires = Object.values(steps).reduce((sum, { inputs }) => sum + Object.keys(inputs).length, 0)
      return { check: name, ok: true, what: `${Object.keys(steps).length} steps and ${wires} wires fit` }
    })
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'invalid_pipeline') throw thrown
    const issues = thrown.issues.map(({ where, what }) => ({ check: where, ok: false, what }))
    return issues.length > 0 ? issues : [{ check: 'loads', ok: false, what: thrown.detail }]
  }
}
