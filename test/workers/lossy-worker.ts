// the real compute worker, in which the message "destroy" destroys the GPU device that is in use
import { devices } from './captured-gpu.ts'
import '../../workers/inference/main.ts'

self.addEventListener('message', ({ data }) => {
  if (data === 'destroy') devices.at(-1)?.destroy()
})
