import { pathOf } from '../../../shared/contract/client.ts'
import { ROUTES } from '../../../shared/contract/routes.ts'
import { AppError, fromProblem } from '../../../shared/core/errors.ts'
import { type ReleaseDocument, verifyRelease } from '../../../shared/trust/release.ts'
import type { DeviceContext } from '../device-context.ts'
import type { ModelState } from '../storage/model-state.ts'
import { withRoot } from './trusted-root.ts'

/** What a device's clock may say at least: signed documents prove that time has passed, whatever the clock was set to. */
export const trustedNow = (context: DeviceContext, state: ModelState): number => Math.max(context.clock.now(), state.trustedTime)

type Fetched = { readonly kind: 'same' } | { readonly kind: 'document'; readonly envelope: unknown; readonly etag: string | null }

async function fetchRelease(context: DeviceContext, state: ModelState, signal?: AbortSignal): Promise<Fetched> {
  const path = pathOf(ROUTES['release.get'], { params: { model: state.model, alias: state.alias } })
  const headers: Record<string, string> = { accept: 'application/json' }
  if (state.etag !== null && state.release !== null) headers['if-none-match'] = state.etag
  let response: Response
  try {
    response = await context.fetch(context.url + path, { headers, cache: 'no-cache', ...(signal ? { signal } : {}) })
  } catch (thrown) {
    if (signal?.aborted) throw new AppError('aborted', 'the check for a release was aborted', { cause: thrown })
    throw new AppError('network', `no answer from ${context.url}${path}`, { cause: thrown })
  }
  if (response.status === 304) return { kind: 'same' }
  const text = await response.text().catch((thrown: unknown) => {
    throw new AppError('network', 'the release broke off', { cause: thrown })
  })
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    throw new AppError(
      response.status >= 500 ? 'unavailable' : 'invalid_document',
      `the release is not JSON but ${response.headers.get('content-type')}`,
      { cause },
    )
  }
  if (!response.ok)
    throw (
      fromProblem(body) ??
      new AppError(response.status >= 500 ? 'unavailable' : 'protocol_mismatch', `HTTP ${response.status} for the release`)
    )
  return { kind: 'document', envelope: body, etag: response.headers.get('etag') }
}

/** The stored release, its signature verified again; null where there is none or its bytes have changed since. Expired ones too. */
export async function storedRelease(context: DeviceContext, state: ModelState): Promise<ReleaseDocument | null> {
  if (state.release === null) return null
  const expected = { model: state.model, alias: state.alias, sequence: state.sequence, now: 0 }
  return withRoot(context, (root) => verifyRelease(state.release, root, expected)).catch(() => null)
}

/**
 * Asks for the newest release and accepts it: signature, model and alias, sequence not lower than any accepted, not expired by the later of the clock and the
 * last proven time. Resolves with the new state. Throws network, document_expired, older_document, bad_signature, untrusted_key, invalid_document.
 */
export async function pollRelease(
  context: DeviceContext,
  state: ModelState,
  signal?: AbortSignal,
): Promise<{ state: ModelState; release: ReleaseDocument }> {
  const fetched = await fetchRelease(context, state, signal)
  const candidate = fetched.kind === 'same' ? state.release : fetched.envelope
  const expected = { model: state.model, alias: state.alias, sequence: state.sequence, now: trustedNow(context, state) }
  const release = await withRoot(context, (root) => verifyRelease(candidate, root, expected), signal)
  if (fetched.kind === 'same') return { state, release }
  const envelope = fetched.envelope as ModelState['release']
  const { sequence, issued } = release
  const next = await context.storage.updateModel(state.key, (now) => {
    const current = now ?? state
    // another tab may have accepted a later one meanwhile
    if (current.sequence > sequence)
      throw new AppError('older_document', `release sequence ${sequence}, already accepted ${current.sequence}`)
    return { ...current, release: envelope, etag: fetched.etag, sequence, trustedTime: Math.max(current.trustedTime, issued) }
  })
  return { state: next, release }
}
