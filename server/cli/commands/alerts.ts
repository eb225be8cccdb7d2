import type { ALERT_KINDS } from '../../../shared/contract/monitoring.ts'
import { command, type Group } from '../command.ts'
import { timeText } from '../output.ts'

const list = command({
  name: 'list',
  description: 'List alerts, newest first',
  args: {
    kind: {
      type: 'enum',
      options: [
        'drift',
        'degradation',
        'data-anomaly',
        'rollback',
        'self-rollback',
        'run-failed',
        'refused',
      ] satisfies (typeof ALERT_KINDS)[number][],
      description: 'Only of this kind',
    },
    limit: { type: 'string', description: 'At most so many', valueHint: 'number', default: '20' },
    cursor: { type: 'string', description: 'Go on from here' },
  },
  async run({ args, client, output }) {
    const { kind, limit, cursor } = args
    const page = await client('alerts.list', {
      query: { limit, ...(kind === undefined ? {} : { kind }), ...(cursor === undefined ? {} : { cursor }) },
    })
    output.table(
      page.items,
      [
        { title: 'ALERT', value: (alert) => alert.id },
        { title: 'AT', value: (alert) => timeText(alert.at) },
        { title: 'SEVERITY', value: (alert) => alert.severity },
        { title: 'KIND', value: (alert) => alert.kind },
        { title: 'SUBJECT', value: (alert) => alert.subject },
        { title: 'SEEN', value: (alert) => alert.acknowledged?.by ?? '-' },
        { title: 'TITLE', value: (alert) => alert.title },
      ],
      page,
      'no alerts',
    )
    if (!output.json && page.next !== null) output.note(`more: --cursor ${page.next}`)
    return 0
  },
})

const acknowledge = command({
  name: 'acknowledge',
  description: 'Say that an alert was seen',
  args: { alert: { type: 'positional', required: true, description: 'Its id' } },
  async run({ args, client, output }) {
    const alert = await client('alerts.acknowledge', { params: { alert: args.alert } })
    output.answer(alert, () => `${alert.id} seen by ${alert.acknowledged?.by ?? '-'}`)
    return 0
  },
})

export const alerts: Group = { name: 'alerts', description: 'Alerts: list, acknowledge', commands: [list, acknowledge], fallback: 'list' }
