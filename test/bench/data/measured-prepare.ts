import { readFile } from 'node:fs/promises'
import { defineComponent } from '../../../server/pipeline/component.ts'
import { prepare } from '../../../server/pipeline/components/prepare.ts'

/** The most memory that this process has had, in bytes. Where Linux tells, since the process began its program; elsewhere what it took over from its parent counts too. */
async function peakBytes(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
  return 1024 * (kib === undefined ? process.resourceUsage().maxRSS : Number(kib))
}

/** The step prepare, which says at its end how much memory its process has had. */
export const measuredPrepare = defineComponent({
  name: prepare.name,
  version: prepare.version,
  module: import.meta.url,
  inputs: prepare.inputs,
  outputs: prepare.outputs,
  params: prepare.params,
  async run(context) {
    const result = await prepare.run(context)
    context.log.info(JSON.stringify({ peakBytes: await peakBytes() }))
    return result
  },
})
