/**
 * The parts of TensorFlow.js that Shoal uses. Imported by name, so that a bundle carries these parts only (about 140 KB gzip less than the union
 * package). Importing layers also registers the gradients; importing the CPU backend registers the reference kernels.
 */
import '@tensorflow/tfjs-backend-cpu'

export {
  add,
  addN,
  backend_util,
  concat,
  conv2d,
  div,
  enableProdMode,
  engine,
  env,
  findBackend,
  getBackend,
  getKernel,
  grads,
  keep,
  type KernelConfig,
  type KernelFunc,
  logSoftmax,
  matMul,
  maxPool,
  mean,
  mul,
  neg,
  registerKernel,
  relu,
  reshape,
  type Scalar,
  setBackend,
  slice,
  softplus,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  type TensorInfo,
  tensor,
  tidy,
  unregisterKernel,
  type Variable,
  variableGrads,
  version_core,
  zeros,
} from '@tensorflow/tfjs-core'
export { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers'
export { type BackendWasm, setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
