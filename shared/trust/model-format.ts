/**
 * What a version's bytes are, and so what loads them: a tfjs layers model (a topology that can be trained, and its weights), a tfjs graph model (a
 * frozen TensorFlow graph), an ONNX file, or boosted trees (shared/trees). The manifest says it as `requires.runtime`.
 */
export const MODEL_FORMATS = ['tfjs-layers', 'tfjs-graph', 'onnx', 'trees'] as const
export type ModelFormat = (typeof MODEL_FORMATS)[number]
