import { effect, signal } from '@preact/signals'
import { createClient } from '../../shared/contract/client.ts'
import { KEY_SCOPES, type KeyScope } from '../../shared/contract/route.ts'
import type { RouteReply } from '../../shared/contract/route.ts'
import type { Routes } from '../../shared/contract/routes.ts'
import { type ErrorCode, fromProblem, toAppError } from '../../shared/core/errors.ts'

const STORAGE_KEY = 'shoal-console-key'

export type Self = RouteReply<Routes['keys.self']>
export type Session =
  | { readonly state: 'signed-out'; readonly why: string | null }
  | { readonly state: 'checking'; readonly secret: string }
  | { readonly state: 'signed-in'; readonly secret: string; readonly self: Self }

const stored = sessionStorage.getItem(STORAGE_KEY)
export const session = signal<Session>(stored === null ? { state: 'signed-out', why: null } : { state: 'checking', secret: stored })

// for this tab only: gone when it is closed
effect(() => {
  if (session.value.state === 'signed-in') sessionStorage.setItem(STORAGE_KEY, session.value.secret)
  else if (session.value.state === 'signed-out') sessionStorage.removeItem(STORAGE_KEY)
})

const SIGN_IN_ERRORS: Partial<Record<ErrorCode, string>> = {
  unauthenticated: 'The server does not know this key. Check that all of it was copied.',
  key_expired: 'This key has expired. Ask an administrator for a new one.',
  key_revoked: 'This key was revoked. Ask an administrator for a new one.',
  forbidden: 'This key may not use the console: it needs at least the viewer scope.',
}

export function signOut(why: string | null = null): void {
  session.value = { state: 'signed-out', why }
}

/** Tries a key and keeps it when the server takes it. Resolves with why not otherwise. */
export async function signIn(secret: string): Promise<string | null> {
  const client = createClient({ url: '', fetch: (url, init) => fetch(url, init), token: () => secret })
  try {
    session.value = { state: 'signed-in', secret, self: await client('keys.self') }
    return null
  } catch (thrown) {
    const error = toAppError(thrown)
    const why = SIGN_IN_ERRORS[error.code] ?? error.detail
    signOut(why)
    return why
  }
}

/** The key of the session, while there is one. */
const currentSecret = (): string | undefined => {
  const now = session.peek()
  return now.state === 'signed-out' ? undefined : now.secret
}

/** Every call of the console goes through here: a key that is no longer good ends the session with a reason. */
export const api = createClient({
  url: '',
  token: currentSecret,
  fetch: async (url, init) => {
    const secret = currentSecret()
    const response = await fetch(url, init)
    // an answer to a session that has ended since says nothing about the one now
    if (response.status === 401 && secret !== undefined && secret === currentSecret()) signOut(await whyRefused(response.clone()))
    return response
  },
})

async function whyRefused(response: Response): Promise<string | null> {
  const problem = fromProblem(await response.json().catch(() => null))
  return SIGN_IN_ERRORS[problem?.code ?? 'unauthenticated'] ?? problem?.detail ?? null
}

/** Whether the key carries a scope: what it may not do is shown disabled, with the reason. */
export function may(scope: KeyScope): boolean {
  const now = session.value
  return now.state === 'signed-in' && KEY_SCOPES.indexOf(now.self.scope) >= KEY_SCOPES.indexOf(scope)
}
