/** Keeps hold of each GPU device that is requested in this thread. */
export const devices: GPUDevice[] = []

// not so in Node, or where a browser has no WebGPU
if (typeof GPUAdapter !== 'undefined') {
  const request = GPUAdapter.prototype.requestDevice
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await request.apply(this, args)
    devices.push(device)
    return device
  }
}
