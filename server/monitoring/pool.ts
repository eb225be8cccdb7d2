import type { Slug } from '../../shared/core/ids.ts'
import type { MonitoringStore } from './monitoring-store.ts'
import { emptyTotals, mergeTotals, type WindowTotals } from './window-totals.ts'

/** Recent batches added up. */
export type PooledBatches = {
  readonly totals: WindowTotals
  readonly devices: number
  readonly reports: number
  readonly batches: number /** When the earliest of them was opened. */
  readonly from: number | null
}

type From = { readonly model: Slug; readonly version: number; readonly closedOnly: boolean }

/** Goes back from the newest batch, one batch further each time. Devices are distinct over the whole pool. */
async function* growingPools(store: MonitoringStore, { model, version, closedOnly }: From): AsyncGenerator<PooledBatches> {
  const epochs = new Set<string>()
  let pool: PooledBatches = { totals: emptyTotals(), devices: 0, reports: 0, batches: 0, from: null }
  let before = Number.MAX_SAFE_INTEGER
  for (;;) {
    const batch = await store.batchBefore({ model, version, before, closedOnly })
    if (batch === undefined) return
    for (const epoch of await store.batchEpochs({ model, version, number: batch.number })) epochs.add(epoch)
    pool = {
      totals: mergeTotals(pool.totals, batch.totals),
      devices: epochs.size,
      reports: pool.reports + batch.reports,
      batches: pool.batches + 1,
      from: batch.opened,
    }
    yield pool
    before = batch.number
  }
}

/** The smallest pool that `enough` is content with, or all there is; null without any batch. */
export async function poolBatches(
  store: MonitoringStore,
  from: From & { enough: (pool: PooledBatches) => boolean },
): Promise<PooledBatches | null> {
  let last: PooledBatches | null = null
  for await (const pool of growingPools(store, from)) {
    last = pool
    if (from.enough(pool)) break
  }
  return last
}

/** The smallest pool for each of some growing sizes, in devices; sizes that there are too few devices for are left out. */
export async function poolsOfSizes(store: MonitoringStore, from: From & { sizes: readonly number[] }): Promise<PooledBatches[]> {
  const pools: PooledBatches[] = []
  for await (const pool of growingPools(store, from)) {
    if (pool.devices >= (from.sizes[pools.length] ?? Infinity)) pools.push(pool)
    if (pools.length === from.sizes.length) break
  }
  return pools
}
