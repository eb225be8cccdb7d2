import type { Random } from '../../shared/core/random.ts'
import type { Actor } from '../http/actor.ts'
import type { Access } from './access-service.ts'
import { hashToken, newToken, sameHash } from './tokens.ts'

/** How a part of this process calls the API: like everybody else, with a token that lives in memory only. */
export type InternalCaller = {
  readonly authenticate: Access['authenticate']
  /** Answers requests in the caller's name once `connect` was called. */
  readonly request: (request: Request) => Promise<Response>
  connect(fetch: (request: Request) => Response | Promise<Response>): void
}

export function createInternalCaller({
  name,
  access,
  random,
}: {
  readonly name: string
  readonly access: Access
  readonly random: Random
}): InternalCaller {
  const token = newToken('releaser', random)
  const { hash } = hashToken(token)
  const actor: Actor = { kind: 'system', name }
  let answer: ((request: Request) => Response | Promise<Response>) | undefined
  return {
    authenticate: async (presented) => (sameHash(hashToken(presented).hash, hash) ? actor : access.authenticate(presented)),
    request: async (request) => {
      if (!answer) throw new Error(`${name} called before the app was connected`)
      const headers = new Headers(request.headers)
      headers.set('authorization', `Bearer ${token}`)
      return answer(new Request(request, { headers }))
    },
    connect: (fetch) => {
      answer = fetch
    },
  }
}
