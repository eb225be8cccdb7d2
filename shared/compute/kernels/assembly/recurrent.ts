import { sigmoid4, tanh4 } from './activations.ts'
import { loadSome, madd, storeSome } from './vector.ts'

// What a recurrent layer does at one time step beside its products, for every example of the batch. `z` holds the pre-activations of the gates and
// takes the gates in their place; `zImage` and the like are bytes between examples. `hard` chooses the piecewise linear sigmoid of Keras.
// `extra` is the gradient that comes to this step's answer from behind the layer (0: none).

/** @inline */
function gate4(x: v128, hard: i32): v128 {
  if (hard) return f32x4.min(f32x4.max(madd(x, f32x4.splat(0.2), f32x4.splat(0.5)), f32x4.splat(0)), f32x4.splat(1))
  return sigmoid4(x)
}

/** The slope of a gate, from its value. */
/** @inline */
function gateSlope4(g: v128, hard: i32): v128 {
  if (hard) return v128.and(f32x4.splat(0.2), v128.and(f32x4.gt(g, f32x4.splat(0)), f32x4.lt(g, f32x4.splat(1))))
  return f32x4.mul(g, f32x4.sub(f32x4.splat(1), g))
}

/** @inline */
function tanhSlope4(t: v128): v128 {
  return f32x4.sub(f32x4.splat(1), f32x4.mul(t, t))
}

/** @inline */
function withExtra(dh: usize, extra: usize, some: i32): v128 {
  const given = loadSome(dh, some)
  return extra === 0 ? given : f32x4.add(given, loadSome(extra, some))
}

/** h = tanh(z) */
export function simpleStep(z: usize, zImage: usize, h: usize, hImage: usize, images: i32, units: i32): void {
  for (let i = 0; i < images; i++, z += zImage, h += hImage)
    for (let u = 0; u < units; u += 4) {
      const at = (<usize>u) << 2
      storeSome(h + at, tanh4(loadSome(z + at, units - u)), units - u)
    }
}

/** dz = (dh + extra) (1 - h^2), where dh has `units` floats for each example. */
export function simpleStepGradient(
  h: usize,
  hImage: usize,
  dh: usize,
  extra: usize,
  extraImage: usize,
  dz: usize,
  zImage: usize,
  images: i32,
  units: i32,
): void {
  const row = (<usize>units) << 2
  const one = extra !== 0
  for (let i = 0; i < images; i++, h += hImage, dh += row, extra += extraImage, dz += zImage)
    for (let u = 0; u < units; u += 4) {
      const at = (<usize>u) << 2
      const some = units - u
      storeSome(dz + at, f32x4.mul(withExtra(dh + at, one ? extra + at : 0, some), tanhSlope4(loadSome(h + at, some))), some)
    }
}

/** Gates input, forget, candidate, output (Hochreiter and Schmidhuber 1997, in Keras's order): c = f c' + i g, h = o tanh(c). c' is `cImage` apart as c. */
export function lstmStep(
  z: usize,
  zImage: usize,
  before: usize,
  c: usize,
  cImage: usize,
  h: usize,
  hImage: usize,
  images: i32,
  units: i32,
  hard: i32,
): void {
  const gate = (<usize>units) << 2
  for (let n = 0; n < images; n++, z += zImage, before += cImage, c += cImage, h += hImage)
    for (let u = 0; u < units; u += 4) {
      const at = (<usize>u) << 2
      const some = units - u
      const p = z + at
      const i = gate4(loadSome(p, some), hard)
      const f = gate4(loadSome(p + gate, some), hard)
      const g = tanh4(loadSome(p + 2 * gate, some))
      const o = gate4(loadSome(p + 3 * gate, some), hard)
      const cell = madd(f, loadSome(before + at, some), f32x4.mul(i, g))
      storeSome(p, i, some)
      storeSome(p + gate, f, some)
      storeSome(p + 2 * gate, g, some)
      storeSome(p + 3 * gate, o, some)
      storeSome(c + at, cell, some)
      storeSome(h + at, f32x4.mul(o, tanh4(cell)), some)
    }
}

/** Takes the gates to their gradients, in place. `dc` [images, units] comes as the gradient by c from the step behind and leaves as that by c'. */
export function lstmStepGradient(
  z: usize,
  zImage: usize,
  before: usize,
  c: usize,
  cImage: usize,
  dh: usize,
  extra: usize,
  extraImage: usize,
  dc: usize,
  images: i32,
  units: i32,
  hard: i32,
): void {
  const gate = (<usize>units) << 2
  const one = extra !== 0
  for (let n = 0; n < images; n++, z += zImage, before += cImage, c += cImage, dh += gate, extra += extraImage, dc += gate)
    for (let u = 0; u < units; u += 4) {
      const at = (<usize>u) << 2
      const some = units - u
      const p = z + at
      const given = withExtra(dh + at, one ? extra + at : 0, some)
      const t = tanh4(loadSome(c + at, some))
      const i = loadSome(p, some)
      const f = loadSome(p + gate, some)
      const g = loadSome(p + 2 * gate, some)
      const o = loadSome(p + 3 * gate, some)
      const cell = madd(f32x4.mul(given, o), tanhSlope4(t), loadSome(dc + at, some))
      storeSome(p, f32x4.mul(f32x4.mul(cell, g), gateSlope4(i, hard)), some)
      storeSome(p + gate, f32x4.mul(f32x4.mul(cell, loadSome(before + at, some)), gateSlope4(f, hard)), some)
      storeSome(p + 2 * gate, f32x4.mul(f32x4.mul(cell, i), tanhSlope4(g)), some)
      storeSome(p + 3 * gate, f32x4.mul(f32x4.mul(given, t), gateSlope4(o, hard)), some)
      storeSome(dc + at, f32x4.mul(cell, f), some)
    }
}

/** The gates update and reset of a GRU (Cho et al. 2014, reset before the product), and reset * h' to `rh`. All rows of `rh` are `hImage` apart. */
export function gruGates(z: usize, zImage: usize, before: usize, rh: usize, hImage: usize, images: i32, units: i32, hard: i32): void {
  const gate = (<usize>units) << 2
  for (let n = 0; n < images; n++, z += zImage, before += hImage, rh += hImage)
    for (let u = 0; u < units; u += 4) {
      const at = (<usize>u) << 2
      const some = units - u
      const r = gate4(loadSome(z + gate + at, some), hard)
      storeSome(z + at, gate4(loadSome(z + at, some), hard), some)
      storeSome(z + gate + at, r, some)
      storeSome(rh + at, f32x4.mul(r, loadSome(before + at, some)), some)
    }
}

/** The candidate, in place, and h = update * h' + (1 - update) * candidate. */
export function gruStep(z: usize, zImage: usize, before: usize, h: usize, hImage: usize, images: i32, units: i32): void {
  const gate = (<usize>units) << 2
  for (let n = 0; n < images; n++, z += zImage, before += hImage, h += hImage)
    for (let u = 0; u < units; u += 4) {
      const at = (<usize>u) << 2
      const some = units - u
      const update = loadSome(z + at, some)
      const candidate = tanh4(loadSome(z + 2 * gate + at, some))
      storeSome(z + 2 * gate + at, candidate, some)
      storeSome(h + at, madd(update, f32x4.sub(loadSome(before + at, some), candidate), candidate), some)
    }
}

/** Of the candidate and the update gate, in place; `dh` [images, units] leaves as what goes to h' past the gates. */
export function gruStepGradient(
  z: usize,
  zImage: usize,
  before: usize,
  hImage: usize,
  dh: usize,
  extra: usize,
  extraImage: usize,
  images: i32,
  units: i32,
  hard: i32,
): void {
  const gate = (<usize>units) << 2
  const one = extra !== 0
  for (let n = 0; n < images; n++, z += zImage, before += hImage, dh += gate, extra += extraImage)
    for (let u = 0; u < units; u += 4) {
      const at = (<usize>u) << 2
      const some = units - u
      const given = withExtra(dh + at, one ? extra + at : 0, some)
      const update = loadSome(z + at, some)
      const candidate = loadSome(z + 2 * gate + at, some)
      const byUpdate = f32x4.mul(given, f32x4.sub(loadSome(before + at, some), candidate))
      const byCandidate = f32x4.mul(given, f32x4.sub(f32x4.splat(1), update))
      storeSome(z + at, f32x4.mul(byUpdate, gateSlope4(update, hard)), some)
      storeSome(z + 2 * gate + at, f32x4.mul(byCandidate, tanhSlope4(candidate)), some)
      storeSome(dh + at, f32x4.mul(given, update), some)
    }
}

/** Of the reset gate, in place, from `drh` [images, units], the gradient by reset * h'; adds to `dh` what goes to h' through that product. */
export function gruResetGradient(
  z: usize,
  zImage: usize,
  before: usize,
  hImage: usize,
  drh: usize,
  dh: usize,
  images: i32,
  units: i32,
  hard: i32,
): void {
  const gate = (<usize>units) << 2
  for (let n = 0; n < images; n++, z += zImage, before += hImage, drh += gate, dh += gate)
    for (let u = 0; u < units; u += 4) {
      const at = (<usize>u) << 2
      const some = units - u
      const given = loadSome(drh + at, some)
      const reset = loadSome(z + gate + at, some)
      storeSome(z + gate + at, f32x4.mul(f32x4.mul(given, loadSome(before + at, some)), gateSlope4(reset, hard)), some)
      storeSome(dh + at, madd(given, reset, loadSome(dh + at, some)), some)
    }
}
