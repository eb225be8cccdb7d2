import type { DeviceId, KeyId, Slug } from '../../shared/core/ids.ts'
import { KEY_SCOPES, type KeyScope, type Scope } from '../../shared/contract/route.ts'

/** Who makes a request, or in whose name something happens. */
export type Actor =
  | { readonly kind: 'key'; readonly id: KeyId; readonly name: string; readonly scope: KeyScope }
  | { readonly kind: 'device'; readonly id: DeviceId; readonly app: Slug }
  | { readonly kind: 'system'; readonly name: string }
  | { readonly kind: 'public' }

const rank = (scope: KeyScope): number => KEY_SCOPES.indexOf(scope)

/** Whether an actor may call a route of this scope. */
export function mayCall(actor: Actor, scope: Scope): boolean {
  if (scope === 'public') return true
  if (actor.kind === 'public') return false
  if (actor.kind === 'device') return scope === 'device' || scope === 'device-or-editor'
  if (scope === 'device') return false
  // our own parts release models; they make no keys
  const held = actor.kind === 'key' ? actor.scope : 'releaser'
  return rank(held) >= rank(scope === 'device-or-editor' ? 'editor' : scope)
}

/** How histories and logs name an actor. */
export function nameOf(actor: Actor): string {
  switch (actor.kind) {
    case 'key':
      return `${actor.name} (${actor.id})`
    case 'device':
      return actor.id
    case 'system':
      return actor.name
    case 'public':
      return 'anonymous'
  }
}
