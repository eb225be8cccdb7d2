import type { Group } from './command.ts'
import { alerts } from './commands/alerts.ts'
import { alias } from './commands/alias.ts'
import { analyse } from './commands/analyse.ts'
import { changes } from './commands/changes.ts'
import { check } from './commands/check.ts'
import { completion } from './commands/completion.ts'
import { datasets } from './commands/datasets.ts'
import { drift } from './commands/drift.ts'
import { exampleData } from './commands/example-data.ts'
import { keys } from './commands/keys.ts'
import { models } from './commands/models.ts'
import { lineage } from './commands/lineage.ts'
import { pipelines } from './commands/pipelines.ts'
import { predict } from './commands/predict.ts'
import { revoke } from './commands/revoke.ts'
import { rollback } from './commands/rollback.ts'
import { rollouts } from './commands/rollouts.ts'
import { runs } from './commands/runs.ts'
import { schemas } from './commands/schemas.ts'
import { serve } from './commands/serve.ts'
import { skew } from './commands/skew.ts'
import { status } from './commands/status.ts'
import { triggers } from './commands/triggers.ts'
import { steps } from './commands/steps.ts'
import { trials } from './commands/trials.ts'
import { versions } from './commands/versions.ts'

/** Every command of the command line. */
export const shoal: Group = {
  name: 'shoal',
  description: 'Keeps machine-learning models that run in the browser good',
  commands: [
    serve,
    status,
    models,
    versions,
    alias,
    rollback,
    revoke,
    predict,
    pipelines,
    triggers,
    runs,
    lineage,
    steps,
    trials,
    rollouts,
    alerts,
    skew,
    datasets,
    schemas,
    exampleData,
    analyse,
    check,
    drift,
    changes,
    keys,
    completion(() => shoal),
  ],
}
