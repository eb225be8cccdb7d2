import { newId, type RunId } from '../../shared/core/ids.ts'
import type { Random } from '../../shared/core/random.ts'
import type { NewExecution } from '../metadata/metadata-store.ts'
import { type Pipeline, predecessors } from './pipeline.ts'

/** The steps of a run that has just been asked for. */
export const waitingSteps = (pipeline: Pipeline, run: RunId, random: Random): NewExecution[] =>
  Object.entries(pipeline.steps).map(([step, { component }], position) => ({
    id: newId('step', random),
    run,
    pipeline: pipeline.name,
    step,
    position,
    component: component.name,
    component_version: component.version,
    after: JSON.stringify(predecessors(pipeline, step)),
    state: 'waiting',
    attempts: 0,
    params: '{}',
    started: null,
    ended: null,
    cache_key: null,
    identity: null,
    cache: null,
    progress: null,
    error: null,
  }))
