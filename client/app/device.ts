import { batch, signal } from '@preact/signals'
import { type AppError, toAppError } from '../../shared/core/errors.ts'
import { showToast } from '../ui/toasts.tsx'
import type { Answer, Consent, Model, Progress, Shoal } from '../sdk/api.ts'
import { connect } from '../sdk/connect.ts'

/** The app and the model of this page. Another app of the same control plane changes these two names. */
const APP = 'digits'
const MODEL = 'digits'

export type LoadState =
  | { readonly phase: 'loading'; readonly progress: Progress | null }
  | { readonly phase: 'ready' }
  | { readonly phase: 'failed'; readonly error: AppError }

/** The device, its model, and what the page shows of them. */
export const shoal = signal<Shoal | null>(null)
export const model = signal<Model | null>(null)
export const loadState = signal<LoadState>({ phase: 'loading', progress: null })
/** Which version would answer now, and on what. */
export const running = signal<{ readonly version: number | null; readonly backend: string | null }>({ version: null, backend: null })
/** `stale`: the release has expired, so nobody vouches for the version being the newest. */
export const connection = signal<'online' | 'offline' | 'stale'>(navigator.onLine ? 'online' : 'offline')
/** The last thing that happened to the version on this device. */
export const lastChange = signal<string | null>(null)
/** Counts up whenever what waits to be sent may have changed. */
export const outgoingChanges = signal(0)

/** Connects and loads. Call again after a failure. */
export async function start(): Promise<void> {
  loadState.value = { phase: 'loading', progress: null }
  try {
    const device = shoal.value ?? (await connect({ url: location.origin, app: APP }))
    shoal.value = device
    const loaded = await device.load(MODEL, {
      onProgress: (progress) => {
        if (loadState.value.phase === 'loading') loadState.value = { phase: 'loading', progress }
      },
    })
    follow(loaded)
    batch(() => {
      model.value = loaded
      refresh(loaded)
      loadState.value = { phase: 'ready' }
    })
    // for the developer's console: `await shoal.model.predict(pixels)`
    Object.assign(globalThis, { shoal: { device, model: loaded } })
  } catch (thrown) {
    loadState.value = { phase: 'failed', error: toAppError(thrown) }
  }
}

// a browser that says "offline" is right; one that says "online" only hopes, and the next request shows
addEventListener('offline', () => {
  connection.value = 'offline'
})
addEventListener('online', () => void checkForUpdate().catch(() => undefined))

function refresh(loaded: Model): void {
  running.value = { version: loaded.version, backend: loaded.backend }
  if (loaded.stale) connection.value = 'stale'
  else if (connection.value === 'stale') connection.value = 'online'
}

function follow(loaded: Model): void {
  const goBack = { label: 'Go back', run: () => void loaded.rollback().then(() => refresh(loaded)) }
  loaded.on('update', ({ from, to }) => {
    refresh(loaded)
    if (from === null) return
    lastChange.value = `Updated from version ${from} to ${to}.`
    showToast({ key: 'model', tone: 'good', text: `Model updated: version ${to} answers now.`, action: goBack })
  })
  loaded.on('rollback', ({ from, to, code }) => {
    refresh(loaded)
    lastChange.value = `Went back from version ${from} to ${to} (${code}).`
    showToast({ key: 'model', tone: 'warn', text: `This device went back from version ${from} to version ${to}: ${code}.` })
  })
  loaded.on('refused', ({ version, code }) => {
    refresh(loaded)
    lastChange.value = `Refused version ${version} (${code}); version ${loaded.version ?? 'none'} stays.`
    showToast({ key: 'model', tone: 'warn', text: `Version ${version} does not work on this device and was refused: ${code}.` })
  })
  loaded.on('backend', () => refresh(loaded))
  loaded.on('offline', () => {
    connection.value = 'offline'
  })
  loaded.on('online', () => {
    connection.value = loaded.stale ? 'stale' : 'online'
  })
  loaded.on('stale', () => {
    connection.value = 'stale'
  })
  loaded.on('report', () => {
    outgoingChanges.value++
  })
}

/** What `checkForUpdate` found, as a sentence. */
export async function checkForUpdate(): Promise<string> {
  const loaded = model.value
  if (loaded === null) return 'The model is not loaded yet.'
  const { outcome, version } = await loaded.checkForUpdate()
  connection.value = outcome === 'offline' ? 'offline' : 'online'
  refresh(loaded)
  switch (outcome) {
    case 'current':
      return `Version ${version} is the newest for this device.`
    case 'updated':
      return `Updated: version ${version} answers now.`
    case 'refused':
      return `A new version does not work on this device; version ${version} stays.`
    case 'offline':
      return 'Offline: the server could not be asked.'
    case 'stale':
      return 'The server has no fresh release; the stored version goes on answering.'
  }
}

/** What the person has agreed to, as a value of its own. */
export const chosen = ({ statistics, sharing, training }: Consent): Consent => ({ statistics, sharing, training })

/** Asks the model; remembers that a count was added. */
export async function ask(pixels: Uint8Array, signal: AbortSignal): Promise<Answer | undefined> {
  const answer = await model.value?.predict(pixels, { signal })
  outgoingChanges.value++
  return answer
}
