import type { ChildProcess } from 'node:child_process'

/** Whether a process can lead a group, which is ended with all that its members have started. */
export const GROUPS = process.platform !== 'win32'

/** Ends a process that leads a group, and whatever it has started: a browser, say. Nothing happens where none of them is left. */
export function endGroup({ pid }: Pick<ChildProcess, 'pid'>): void {
  if (pid === undefined) return
  try {
    process.kill(GROUPS ? -pid : pid, 'SIGKILL')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown
  }
}
