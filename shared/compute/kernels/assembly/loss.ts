import { exp1, exp4, log1 } from './exponential.ts'
import { loadSome, storeSome, sumLanes } from './vector.ts'

// Losses of `count` examples and their gradients, times the example's weight and `scale` (1 over the batch). `losses` takes each example's weighted loss.

/** y = softmax of each row; returns nothing. x and y may be the same. */
export function softmax(x: usize, y: usize, count: i32, width: i32): void {
  for (let row = 0; row < count; row++, x += (<usize>width) << 2, y += (<usize>width) << 2) {
    let most = f32.load(x)
    for (let c = 1; c < width; c++) most = max(most, f32.load(x + ((<usize>c) << 2)))
    const shift = f32x4.splat(most)
    let sum: f32 = 0
    for (let c = 0; c < width; c += 4) {
      const some = min(4, width - c)
      const at = (<usize>c) << 2
      const e = exp4(f32x4.sub(loadSome(x + at, some), shift))
      storeSome(y + at, e, some)
      sum += some === 4 ? sumLanes(e) : partial(e, some)
    }
    const factor = f32x4.splat(<f32>1 / sum)
    for (let c = 0; c < width; c += 4) {
      const at = (<usize>c) << 2
      const some = min(4, width - c)
      storeSome(y + at, f32x4.mul(loadSome(y + at, some), factor), some)
    }
  }
}

function partial(a: v128, count: i32): f32 {
  let sum = f32x4.extract_lane(a, 0)
  if (count > 1) sum += f32x4.extract_lane(a, 1)
  if (count > 2) sum += f32x4.extract_lane(a, 2)
  return sum
}

/** Softmax and cross-entropy on logits [count, width]; `targets` are class numbers. `right` takes 1 where the largest logit is the target's. */
export function softmaxCrossEntropy(
  logits: usize,
  targets: usize,
  weights: usize,
  losses: usize,
  right: usize,
  gradient: usize,
  count: i32,
  width: i32,
  scale: f32,
): void {
  for (let row = 0; row < count; row++) {
    const at = (<usize>row) << 2
    const target = <i32>f32.load(targets + at)
    const weight = f32.load(weights + at)
    let best = 0
    let most = f32.load(logits)
    for (let c = 1; c < width; c++) {
      const value = f32.load(logits + ((<usize>c) << 2))
      if (value > most) {
        most = value
        best = c
      }
    }
    const shift = f32x4.splat(most)
    let sum: f32 = 0
    for (let c = 0; c < width; c += 4) {
      const some = min(4, width - c)
      const e = exp4(f32x4.sub(loadSome(logits + ((<usize>c) << 2), some), shift))
      storeSome(gradient + ((<usize>c) << 2), e, some)
      sum += some === 4 ? sumLanes(e) : partial(e, some)
    }
    const ofTarget = f32.load(logits + ((<usize>target) << 2))
    f32.store(losses + at, weight * (log1(sum) - (ofTarget - most)))
    f32.store(right + at, best === target ? 1 : 0)
    const factor = (weight * scale) / sum
    for (let c = 0; c < width; c += 4) {
      const some = min(4, width - c)
      const g = gradient + ((<usize>c) << 2)
      storeSome(g, f32x4.mul(loadSome(g, some), f32x4.splat(factor)), some)
    }
    const g = gradient + ((<usize>target) << 2)
    f32.store(g, f32.load(g) - weight * scale)
    logits += (<usize>width) << 2
    gradient += (<usize>width) << 2
  }
}

/** Cross-entropy of a sigmoid on logits [count, width], mean over the width; `targets` [count, width] from 0 to 1. `right` takes 1 where all signs agree. */
export function binaryCrossEntropy(
  logits: usize,
  targets: usize,
  weights: usize,
  losses: usize,
  right: usize,
  gradient: usize,
  count: i32,
  width: i32,
  scale: f32,
): void {
  const share: f32 = <f32>1 / <f32>width
  for (let row = 0; row < count; row++) {
    const weight = f32.load(weights + ((<usize>row) << 2)) * share
    let loss: f32 = 0
    let agree = 1
    for (let c = 0; c < width; c++, logits += 4, targets += 4, gradient += 4) {
      const z = f32.load(logits)
      const t = f32.load(targets)
      const e = exp1(-abs(z))
      // max(z, 0) - t z + ln(1 + e^-|z|): -ln of the target's probability in a form that does not overflow
      loss += max<f32>(z, 0) - t * z + log1(<f32>1 + e)
      const sigmoid: f32 = (z >= 0 ? <f32>1 : e) / (<f32>1 + e)
      f32.store(gradient, (sigmoid - t) * weight * scale)
      if (z > 0 !== t > 0.5) agree = 0
    }
    f32.store(losses + ((<usize>row) << 2), loss * weight)
    f32.store(right + ((<usize>row) << 2), <f32>agree)
  }
}

/** Squared (`absolute` 0) or absolute (1) difference from `targets` [count, width], mean over the width. */
export function regressionLoss(
  answers: usize,
  targets: usize,
  weights: usize,
  losses: usize,
  gradient: usize,
  count: i32,
  width: i32,
  scale: f32,
  absolute: i32,
): void {
  const share: f32 = <f32>1 / <f32>width
  for (let row = 0; row < count; row++) {
    const weight = f32.load(weights + ((<usize>row) << 2)) * share
    let loss: f32 = 0
    for (let c = 0; c < width; c++, answers += 4, targets += 4, gradient += 4) {
      const d = f32.load(answers) - f32.load(targets)
      loss += absolute ? abs(d) : d * d
      // the sign of 0 is 0; a NaN goes through
      const slope: f32 = absolute ? (d > 0 ? 1 : d < 0 ? -1 : d) : 2 * d
      f32.store(gradient, slope * weight * scale)
    }
    f32.store(losses + ((<usize>row) << 2), loss * weight)
  }
}
