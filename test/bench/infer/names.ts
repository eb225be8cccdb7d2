export const MODELS = ['digits', 'basic-pitch', 'mobile-net', 'silero-v5', 'silero-v6'] as const
export type ModelName = (typeof MODELS)[number]

/** The runtimes that a model could have been run on without Shoal. */
export const SIDES = ['tfjs wasm', 'onnxruntime wasm', 'tfjs webgpu', 'tfjs webgl', 'onnxruntime webgpu', 'tfjs cpu'] as const
export type SideName = (typeof SIDES)[number]

/** First answers are the median of those after so many loads. */
export const LOADS = 5
