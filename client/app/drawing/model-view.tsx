import { useEffect, useRef } from 'preact/hooks'
import { SIDE } from './stroke-image.ts'

/** The image as the model gets it, enlarged. */
export function ModelView({ pixels }: { pixels: Uint8Array | undefined }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (!context) return
    const image = context.createImageData(SIDE, SIDE)
    for (let pixel = 0; pixel < SIDE * SIDE; pixel++) image.data.set([255, 255, 255, pixels?.[pixel] ?? 0], pixel * 4)
    context.putImageData(image, 0, 0)
  }, [pixels])
  return (
    <canvas
      ref={canvas}
      class="model-view"
      width={SIDE}
      height={SIDE}
      role="img"
      aria-label="The drawing as the model sees it: 28 by 28 pixels"
    />
  )
}
