import type { Consent } from '../sdk/api.ts'

const CHOICES: readonly { readonly name: keyof Consent; readonly title: string; readonly text: string }[] = [
  {
    name: 'statistics',
    title: 'Statistics',
    text: 'How often each digit was answered, how sure the model was, how long it took, right or wrong. Numbers only, never a drawing. They show when the model grows worse.',
  },
  {
    name: 'sharing',
    title: 'Drawings you correct',
    text: 'Those you confirm or correct, as 28 × 28 pixels with the right digit. The model learns from them.',
  },
  {
    name: 'training',
    title: 'Learning on this device',
    text: 'Digits you confirm or correct are kept here, up to 500, and this device can learn from them. Only the change of the model’s weights is sent, never a drawing.',
  },
]

/** What a person can agree to, each on its own; beside each other where `wide`. */
export const ConsentChoices = ({
  choices,
  wide = false,
  onChange,
}: {
  choices: Consent
  wide?: boolean
  onChange: (choices: Consent) => void
}) => (
  <div class={wide ? 'choices choices-wide' : 'choices'}>
    {CHOICES.map(({ name, title, text }) => (
      <label key={name} class="check">
        <input
          type="checkbox"
          checked={choices[name]}
          onChange={(event) => onChange({ ...choices, [name]: event.currentTarget.checked })}
        />
        <span>
          <strong>{title}</strong>
          <span class="small muted consent-text">{text}</span>
        </span>
      </label>
    ))}
  </div>
)
