import type { Slug } from '../../shared/core/ids.ts'
import type { Datasets } from '../datasets/dataset-service.ts'
import { type BootstrapOptions, unlessThere } from './bootstrap.ts'
import { flights } from './flights.ts'
import { flightsSchema } from './flights-data.ts'

const FLIGHTS = 'flights' as Slug

/** App, model and data set of the flights example, without rows: the first file that is uploaded trains the first version. Each is made only where it is missing. */
export async function bootstrapFlights({
  datasets,
  createApp,
  createModel,
}: { readonly datasets: Pick<Datasets, 'create'> } & Pick<BootstrapOptions, 'createApp' | 'createModel'>): Promise<void> {
  await unlessThere(createApp(FLIGHTS, [FLIGHTS]))
  await unlessThere(createModel(FLIGHTS, flights.description))
  await unlessThere(
    datasets.create({
      name: FLIGHTS,
      description: 'US flights of 2001 (npm vega-datasets); empty until a file is uploaded',
      schema: flightsSchema,
    }),
  )
}
