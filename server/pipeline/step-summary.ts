import type { StepSummary } from '../../shared/contract/pipelines.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { ExecutionRow } from '../metadata/metadata-store.ts'
import type { StepState } from './planner.ts'

/** A step's row as the API shows it. */
export function stepSummaryOf(row: ExecutionRow, inputs: StepSummary['inputs'], outputs: StepSummary['outputs']): StepSummary {
  const parsed = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T))
  return {
    name: row.step,
    component: row.component,
    componentVersion: row.component_version,
    componentDigest: parsed<{ component: Sha256 }>(row.identity)?.component ?? null,
    state: row.state as StepState,
    after: JSON.parse(row.after) as string[],
    started: row.started,
    ended: row.ended,
    attempts: row.attempts,
    cache: parsed(row.cache),
    progress: parsed(row.progress),
    inputs,
    outputs,
    params: JSON.parse(row.params) as JsonObject,
    error: parsed(row.error),
  }
}
