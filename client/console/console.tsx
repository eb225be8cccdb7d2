import { useEffect } from 'preact/hooks'
import { Loading } from '../ui/states.tsx'
import { Toasts } from '../ui/toasts.tsx'
import { Frame } from './frame.tsx'
import { listen } from './live.ts'
import { session, signIn } from './session.ts'
import { SignIn } from './sign-in.tsx'

/** The console: signed out, or its frame with the current page. */
export function Console() {
  const now = session.value
  const { state } = now

  useEffect(() => {
    if (now.state === 'checking') void signIn(now.secret)
  }, [])

  useEffect(() => {
    if (state !== 'signed-in') return
    const controller = new AbortController()
    void listen(controller.signal)
    return () => controller.abort()
  }, [state])

  if (now.state === 'signed-out') return <SignIn why={now.why} />
  if (now.state === 'checking') {
    return (
      <main class="sign-in">
        <Loading label="Signing in" />
      </main>
    )
  }
  return (
    <>
      <Frame self={now.self} />
      <Toasts />
    </>
  )
}
