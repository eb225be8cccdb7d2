import { lifeOf } from '../../../shared/compute/backends.ts'
import { findBackend } from '../../../shared/compute/tf.ts'

/** The GPU device that tfjs computes on in this page, which tests share. */
export const pageDevice = (): GPUDevice | undefined => (findBackend('webgpu') as unknown as { device: GPUDevice } | null)?.device

/** Ends WebGPU, if another test has started it, so that the next start is a first one. */
export async function forgetPageDevice(): Promise<void> {
  const device = pageDevice()
  if (device === undefined || lifeOf('webgpu').lost !== undefined) return
  const lost = new Promise((resolve) => lifeOf('webgpu').onLost(resolve))
  device.destroy()
  await lost
}
