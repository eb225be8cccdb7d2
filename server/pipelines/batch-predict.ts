import { extract } from '../pipeline/components/extract.ts'
import { predict } from '../pipeline/components/predict.ts'
import { param } from '../pipeline/params.ts'
import { definePipeline, step } from '../pipeline/pipeline.ts'

/**
 * Answers of a version to the rows of a data set, as Parquet. A run names `dataset` and `model`; `version` in place of what `alias` points at; `query` (SQL over the
 * view `data`) to choose rows, or to make columns out of others: it must give an `id` and the columns that the model takes.
 */
export const batchPredict = definePipeline({
  name: 'batch-predict',
  description: 'Answers of a version to the rows of a data set, as Parquet',
  model: 'digits',
  dataset: 'digits',
  params: { dataset: 'digits', model: 'digits', alias: 'stable', version: null, query: 'SELECT * FROM data' },
  steps: {
    extract: step(extract, { params: { sources: { data: param('dataset') }, query: param('query') } }),
    predict: step(predict, {
      inputs: { data: 'extract.data' },
      params: { model: param('model'), alias: param('alias'), version: param('version') },
    }),
  },
  triggers: { demand: { enabled: true, settings: {} } },
})
