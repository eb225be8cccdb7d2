/** Answers that tell the present 95th percentile, and those that tell the usual one. */
const RECENT = 20
const USUAL = 100
/** Above so many times the usual 95th percentile training takes half as much of the machine; below the other it takes a little more. The promise is 2. */
const TOO_SLOW = 1.5
const FINE = 1.2
const LEAST = 0.05
/** Differences below this are a scheduler's, milliseconds. */
const SLACK_MS = 2
/** Without an answer for so long nobody is waiting, and training may have the machine. */
const IDLE_MS = 2000

export type TrainingShare = {
  /** An answer took so long, while this device trained or not. */
  answered(ms: number, training: boolean, now: number): void
  /** What part of the time training may work now. */
  share(now: number): number
}

const p95 = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? 0

/** How much of the machine training takes, by what it does to the answers: halved when they suffer, raised step by step while they do not (AIMD, as in TCP). */
export function createTrainingShare(): TrainingShare {
  const usual: number[] = []
  let recent: number[] = []
  let part = 1
  let last = Number.NEGATIVE_INFINITY
  return {
    answered(ms, training, now) {
      last = now
      if (!training) {
        usual.push(ms)
        if (usual.length > USUAL) usual.shift()
        recent = []
        return
      }
      recent.push(ms)
      if (recent.length < RECENT || usual.length < RECENT) return
      const [present, before] = [p95(recent), p95(usual)]
      recent = []
      if (present > before * TOO_SLOW + SLACK_MS) part = Math.max(LEAST, part / 2)
      else if (present < before * FINE + SLACK_MS) part = Math.min(1, part + 0.1)
    },
    share: (now) => (now - last > IDLE_MS ? 1 : part),
  }
}
