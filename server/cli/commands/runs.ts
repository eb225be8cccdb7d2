import type { Group } from '../command.ts'
import { follow } from './runs-follow.ts'
import { list, show } from './runs-list.ts'
import { logs } from './runs-logs.ts'
import { cancel, resume, start } from './runs-start.ts'

export const runs: Group = {
  name: 'runs',
  description: 'Pipeline runs: list, show, start, follow, logs, resume, cancel',
  commands: [list, show, start, follow, logs, resume, cancel],
  fallback: 'list',
}
