type Choices = { readonly statistics: boolean; readonly sharing: boolean }

/** The two things a person can agree to, each on its own; beside each other where `wide`. */
export const ConsentChoices = ({
  statistics,
  sharing,
  wide = false,
  onChange,
}: Choices & { wide?: boolean; onChange: (choices: Choices) => void }) => (
  <div class={wide ? 'choices choices-wide' : 'choices'}>
    <label class="check">
      <input type="checkbox" checked={statistics} onChange={(event) => onChange({ statistics: event.currentTarget.checked, sharing })} />
      <span>
        <strong>Statistics</strong>
        <span class="small muted consent-text">
          How often each digit was answered, how sure the model was, how long it took, right or wrong. Numbers only, never a drawing. They
          show when the model grows worse.
        </span>
      </span>
    </label>
    <label class="check">
      <input type="checkbox" checked={sharing} onChange={(event) => onChange({ statistics, sharing: event.currentTarget.checked })} />
      <span>
        <strong>Drawings you correct</strong>
        <span class="small muted consent-text">
          Those you confirm or correct, as 28 × 28 pixels with the right digit. The model learns from them.
        </span>
      </span>
    </label>
  </div>
)
