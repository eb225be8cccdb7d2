import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { StepId } from '../../shared/core/ids.ts'
import { endGroup, GROUPS } from './process-group.ts'
import type { FromHost, FromWorker, PortName, StepPort, ToWorker } from './step-protocol.ts'

export type WorkerPoolOptions = {
  readonly clock: Clock
  /** Workers that wait for a step. */
  readonly idle: number
  /** The memory that they may use, in MB; a step with another limit gets a worker that is not shared. */
  readonly memoryMb: number
  /** Where compiled modules are kept, from which a worker starts in half the time. */
  readonly cacheFolder: string
}

/** How a worker ended before its step did. */
export type WorkerEnd =
  | { readonly kind: 'memory' }
  | { readonly kind: 'error'; readonly message: string; readonly stack: string | undefined }
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }

/** What the step that a worker runs wants to hear. */
export type WorkerListener = {
  onMessage(message: FromWorker): void
  onText(stream: 'stdout' | 'stderr', text: string): void
  /** Bytes that the worker uses, told every now and then. */
  onMemory(bytes: number): void
  onEnd(end: WorkerEnd): void
}

type Member = {
  readonly child: ChildProcess
  readonly memoryMb: number
  listener: WorkerListener | undefined
  /** Who answers what the step asks for. */
  readonly ports: Map<PortName, (message: never) => void>
  step: StepId | undefined
  /** The module that it has loaded for a step to come. */
  loaded: string | undefined
  state: 'starting' | 'ready' | 'busy' | 'checking' | 'gone'
  /** It said that nothing of its step is left before the step was given up here. */
  clean: boolean
  /** Aborted when it has started, or the check after a step has ended. */
  checked: AbortController
}

export type Borrower = {
  /** The step's limit of memory, in MB. */
  readonly limit: number
  readonly step: StepId
  readonly module: string
  readonly listener: WorkerListener
}

export type LentWorker = {
  send(message: ToWorker): void
  /** This side of a port of the step. */
  port(name: PortName): StepPort
  /** At the step's end: with `clean`, the worker is kept if it then says that nothing of the step is left in it. In all other cases it ends. */
  release(clean: boolean): Promise<void>
}

/** How long a worker may take to look for what its step has left, and to be replaced then, in milliseconds. */
const CHECK_WITHIN = 5000
/** Why nobody waits any longer: an abort without a reason makes an exception with its stack. */
const CHECKED = 'it was looked through'
/** How long a dead process is listened to, in milliseconds. */
const WORDS_WITHIN = 2000
/** Of what a dying process says, what is kept. */
const LAST_WORDS = 4000

const HOST = fileURLToPath(new URL('./step-host.ts', import.meta.url))

function endOf(code: number | null, signal: string | null, words: string): WorkerEnd {
  if (/out of memory/.test(words)) return { kind: 'memory' }
  return signal === null ? { kind: 'code', code: code ?? 0 } : { kind: 'signal', signal }
}

/** Whether it may keep the server from ending. */
function hold(child: ChildProcess, held: boolean): void {
  for (const part of [child, child.channel, child.stderr as Socket | null]) {
    if (held) part?.ref()
    else part?.unref()
  }
}

/**
 * Workers for steps, each a thread in a process of its own (step-host.ts) and started before it is needed. A worker runs one step at a time and takes another only
 * if the last ended well and left no trace (worker-traces.ts); else its process starts a new thread. A process whose step failed, died or was ended is never used again.
 */
export function createWorkerPool({ clock, idle, memoryMb, cacheFolder }: WorkerPoolOptions) {
  const members = new Set<Member>()
  /** Steps that wait for a worker with their limit of memory, in MB. */
  const asked: { readonly limit: number; resolve(member: Member): void; reject(reason: AppError): void }[] = []
  /** Modules that steps to come need and no worker has loaded yet, oldest first. */
  const expected: string[] = []
  let closed = false

  function loadAhead(member: Member): void {
    const module = expected.pop()
    if (module === undefined) return
    member.loaded = module
    // last: the one that has waited longest for its step is the first
    members.delete(member)
    members.add(member)
    member.child.send({ kind: 'load', module } satisfies ToWorker, () => {})
  }

  function start(limit: number): Member {
    const child = fork(HOST, [String(limit)], {
      // the server's own flags (a test runner's, a debugger's) are not the step's
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { NODE_COMPILE_CACHE: cacheFolder, ...process.env },
      detached: GROUPS,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    const member: Member = {
      child,
      memoryMb: limit,
      listener: undefined,
      ports: new Map(),
      step: undefined,
      loaded: undefined,
      state: 'starting',
      clean: false,
      checked: new AbortController(),
    }
    members.add(member)
    hold(child, false)
    let words = ''
    child.stderr?.on('data', (text: Buffer) => {
      words = (words + text.toString()).slice(0, LAST_WORDS)
    })
    /** Or so long: what the step has started may hold the pipe open. */
    const lastWords = () =>
      Promise.race([child.stderr?.closed === false ? once(child.stderr, 'close') : undefined, clock.sleep(WORDS_WITHIN)])
    const over = (end: WorkerEnd) => {
      const { listener, state } = member
      drop(member)
      listener?.onEnd(end)
      // what cannot start would not at the next try either
      if (state === 'starting') refuse(limit, `a process for steps ended before it took one: ${JSON.stringify(end)}`)
    }
    child.on('message', (message: FromHost) => {
      if (message.kind === 'said') member.listener?.onMessage(message)
      else if (message.kind === 'port') {
        if (message.step === member.step) member.ports.get(message.port)?.(message.message as never)
      } else if (message.kind === 'text') member.listener?.onText(message.stream, message.text)
      else if (message.kind === 'memory') {
        if (message.step === member.step) member.listener?.onMemory(message.bytes)
      } else if (message.kind === 'died')
        over(message.outOfMemory ? { kind: 'memory' } : { kind: 'error', message: message.message, stack: message.stack })
      else if (message.kind === 'ended') over({ kind: 'code', code: message.code })
      else if (message.kind === 'spent') void end(member)
      else if (member.state === 'busy') member.clean = true
      else keep(member)
    })
    child.on('error', (thrown) => over({ kind: 'error', message: thrown.message, stack: thrown.stack }))
    child.on('exit', (code, signal) => {
      endGroup(child)
      void lastWords().then(() => over(endOf(code, signal, words)))
    })
    return member
  }

  function drop(member: Member): void {
    member.state = 'gone'
    member.listener = undefined
    member.checked.abort(CHECKED)
    members.delete(member)
  }

  async function end(member: Member): Promise<void> {
    drop(member)
    const { child } = member
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      hold(child, true)
      const exited = once(child, 'exit')
      endGroup(child)
      await exited
    }
    fill()
  }

  /** Shared ones that no step uses, whether they can take one yet or not. */
  const waiting = () => [...members].filter((member) => member.memoryMb === memoryMb && member.state !== 'busy').length

  function keep(member: Member): void {
    if (!member.checked.signal.aborted) member.checked.abort(CHECKED)
    const index = asked.findIndex(({ limit }) => limit === member.memoryMb)
    const [first] = index < 0 ? [] : asked.splice(index, 1)
    if (first !== undefined) {
      member.state = 'busy'
      first.resolve(member)
    } else if (closed || member.memoryMb !== memoryMb || waiting() > idle) void end(member)
    else {
      hold(member.child, false)
      member.state = 'ready'
      loadAhead(member)
    }
  }

  /** Starts what is missing. */
  function fill(): void {
    const shared = asked.filter(({ limit }) => limit === memoryMb).length
    while (!closed && waiting() < Math.max(idle, shared)) start(memoryMb)
  }

  /** One that waits, or the next that does. Throws step_crashed where none starts. */
  function take(limit: number, module: string): Promise<Member> {
    const { promise, resolve, reject } = Promise.withResolvers<Member>()
    asked.push({ limit, resolve, reject })
    const able = [...members].filter((member) => member.memoryMb === limit && member.state === 'ready')
    const ready = able.find(({ loaded }) => loaded === module) ?? able.find(({ loaded }) => loaded === undefined) ?? able[0]
    if (closed) refuse(limit, 'the server is stopping')
    else if (ready !== undefined) keep(ready)
    else if (limit === memoryMb) fill()
    else start(limit)
    // whoever waits is not to end before one is ready; one that is ready and not needed holds nobody
    for (const { child, memoryMb, state } of members) if (memoryMb === limit && state === 'starting') hold(child, true)
    return promise
  }

  function refuse(limit: number, why: string): void {
    const index = asked.findIndex((one) => one.limit === limit)
    if (index >= 0) asked.splice(index, 1)[0]?.reject(new AppError('step_crashed', why))
  }

  return {
    fill,

    /** A step will soon need this module: a worker that waits, or the next that does, loads it meanwhile. */
    expect(module: string): void {
      if (expected.includes(module) || [...members].some(({ loaded }) => loaded === module)) return
      expected.push(module)
      if (expected.length > idle) expected.shift()
      const able = [...members].filter(({ memoryMb: limit, state }) => limit === memoryMb && state === 'ready')
      // the step that a worker loaded for may never come: its run was cancelled, or another worker took it
      const free = able.find(({ loaded }) => loaded === undefined) ?? able[0]
      if (free !== undefined) loadAhead(free)
    },

    /** A worker for a step of this module; one that has it loaded, where there is one. */
    async lend({ limit, step, module, listener }: Borrower): Promise<LentWorker> {
      const found = await take(limit, module)
      const { child, ports } = found
      found.loaded = undefined
      const index = expected.indexOf(module)
      if (index >= 0) expected.splice(index, 1)
      found.clean = false
      found.listener = listener
      found.step = step
      hold(child, true)
      // to one that has just died: its end is told by its exit
      const send = (message: ToWorker) => void (child.connected && child.send(message, () => {}))
      return {
        send,
        port: (name) => ({
          postMessage: (message) => send({ kind: 'port', step, port: name, message }),
          on: (_event, answer) => ports.set(name, answer),
          close: () => ports.delete(name),
        }),
        release: async (clean) => {
          found.listener = undefined
          found.step = undefined
          ports.clear()
          if (!clean || closed || found.state === 'gone' || limit !== memoryMb) return end(found)
          hold(child, false)
          found.state = 'checking'
          found.checked = new AbortController()
          if (found.clean) return keep(found)
          fill()
          // after what waits for the result
          const { signal } = found.checked
          setImmediate(() => {
            if (!signal.aborted)
              void clock.sleep(CHECK_WITHIN, signal).then(
                () => end(found),
                () => {},
              )
          })
        },
      }
    },

    async close(): Promise<void> {
      closed = true
      for (const { limit } of [...asked]) refuse(limit, 'the server is stopping')
      await Promise.all([...members].map(end))
    },
  }
}

export type WorkerPool = ReturnType<typeof createWorkerPool>
