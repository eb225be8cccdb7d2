import { useState } from 'preact/hooks'
import { Button } from '../ui/button.tsx'
import { Mark } from '../ui/icons.tsx'
import { Notice } from '../ui/states.tsx'
import { ThemeToggle } from '../ui/theme.tsx'
import { signIn } from './session.ts'

/** Asks for an API key. `why` says why one is asked for again. */
export function SignIn({ why }: { why: string | null }) {
  const [secret, setSecret] = useState('')
  const [busy, setBusy] = useState(false)
  const submit = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    await signIn(secret.trim())
    setBusy(false)
  }
  return (
    <main class="sign-in">
      <div class="sign-in-corner">
        <ThemeToggle />
      </div>
      <form class="card stack sign-in-card" onSubmit={(event) => void submit(event)}>
        <div class="row">
          <Mark size={36} />
          <h1>Shoal console</h1>
        </div>
        {why === null ? null : <Notice tone="bad">{why}</Notice>}
        <div class="field">
          <label class="field-label" for="key">
            API key
          </label>
          <input
            id="key"
            class="input mono"
            type="password"
            required
            autocomplete="current-password"
            spellcheck={false}
            value={secret}
            onInput={(event) => setSecret(event.currentTarget.value)}
            aria-describedby="key-hint"
          />
          <span id="key-hint" class="field-hint">
            The server prints its first key when it starts for the first time. It is kept for this tab only.
          </span>
        </div>
        <Button type="submit" kind="primary" large busy={busy} disabled={secret.trim() === ''}>
          Sign in
        </Button>
        <p class="small muted">
          <a href="/">Back to the app</a>
        </p>
      </form>
    </main>
  )
}
