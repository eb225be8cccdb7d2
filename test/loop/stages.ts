/** Stages of the loop: each has a name, takes time, and leaves a sentence with its figures. */
export type Stage = { name: string; ok: boolean; seconds: number; note: string }

export type StageRunner = {
  readonly stages: Stage[]
  /** Runs one stage and prints its line. A stage that fails ends the loop, since each one builds on the one before. */
  stage(name: string, run: (say: (text: string) => void) => Promise<string>): Promise<void>
}

export class StageFailed extends Error {}

export function stageRunner(print: (line: string) => void): StageRunner {
  const stages: Stage[] = []
  return {
    stages,
    async stage(name, run) {
      const started = performance.now()
      const seconds = () => Math.round((performance.now() - started) / 100) / 10
      print(`… ${name}`)
      try {
        const note = await run((text) => print(`    ${text}`))
        stages.push({ name, ok: true, seconds: seconds(), note })
        print(`✔ ${name} (${seconds()} s): ${note}`)
      } catch (thrown) {
        const note = thrown instanceof Error ? thrown.message : String(thrown)
        stages.push({ name, ok: false, seconds: seconds(), note })
        print(`✘ ${name} (${seconds()} s): ${note}`)
        throw new StageFailed(name, { cause: thrown })
      }
    },
  }
}

/** Waits until `probe` gives something, asking every `everyMs`; fails with `what` after `withinMs`. */
export async function until<T>(
  what: string,
  withinMs: number,
  probe: () => Promise<T | undefined | false | null>,
  everyMs = 200,
): Promise<T> {
  const end = performance.now() + withinMs
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== false && value !== null) return value
    if (performance.now() > end) throw new Error(`not within ${withinMs / 1000} s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
