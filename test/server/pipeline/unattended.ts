import type { Client } from '../../../shared/contract/client.ts'
import type { RunDetail } from '../../../shared/contract/pipelines.ts'
import type { Bytes } from '../../../shared/core/bytes.ts'
import type { RunId, Slug } from '../../../shared/core/ids.ts'
import type { TestServer } from '../harness.ts'

/** A pipeline that nobody starts, over the data set of its name: what is uploaded, and what came of it. */
export function unattended({ server, api, name }: { readonly server: TestServer; readonly api: Client; readonly name: Slug }) {
  const latest = async () => (await api('runs.list', { query: { pipeline: name, limit: '1' } })).items[0]

  /** The latest run, once it is another than this one and has ended. */
  async function ended(before?: string): Promise<RunDetail> {
    for (;;) {
      await server.services.pipelines.idle()
      const run = await latest()
      if (run !== undefined && run.id !== before && !['queued', 'running'].includes(run.state))
        return api('runs.get', { params: { run: run.id as RunId } })
    }
  }

  return {
    ended,

    /** Uploads a file, which is all that is done by hand: the run that this brings about, once it has ended. */
    async arrives(body: Bytes): Promise<RunDetail> {
      const before = await latest()
      await api('spans.upload', { params: { dataset: name }, body, type: 'application/vnd.apache.parquet' })
      return ended(before?.id)
    },

    stable: async () => (await api('models.get', { params: { model: name } })).aliases['stable'],
  }
}

export const states = ({ steps }: RunDetail) => Object.fromEntries(steps.map(({ name, state }) => [name, state]))
