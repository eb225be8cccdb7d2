import type { Group } from '../command.ts'
import { follow } from './runs-follow.ts'
import { list, show } from './runs-list.ts'
import { logs } from './runs-logs.ts'
import { compare, replay } from './runs-compare.ts'
import { metrics, search } from './runs-search.ts'
import { cancel, resume, start } from './runs-start.ts'

export const runs: Group = {
  name: 'runs',
  description: 'Pipeline runs: list, search, show, metrics, compare, start, follow, logs, resume, replay, cancel',
  commands: [list, search, show, metrics, compare, start, follow, logs, resume, replay, cancel],
  fallback: 'list',
}
