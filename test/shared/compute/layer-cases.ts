import * as layers from '@tensorflow/tfjs-layers'
import type { SymbolicTensor } from '@tensorflow/tfjs-layers'

/** How one layer type is put to the test: what it takes, and itself applied to what comes before it. */
export type LayerCase = {
  /** Shape of one example. */
  readonly input: readonly number[]
  /** Inputs are whole numbers below this, and nothing trainable stands before the layer. */
  readonly integers?: number
  /** What of the layer's options the case is about, where a type has several. */
  readonly about?: string
  /** Why a training plan leaves the case to tfjs; absent where it has kernels for it. */
  readonly fallback?: string
  /** What a plan draws at random it draws otherwise than tfjs: its gradients are checked by differences. */
  readonly random?: boolean
  readonly apply: (x: SymbolicTensor) => SymbolicTensor
}

const UNKNOWN = 'there is no kernel for this class of layer'

type Applicable = { apply(x: SymbolicTensor | SymbolicTensor[]): unknown }

const one = (make: () => Applicable) => (x: SymbolicTensor) => make().apply(x) as SymbolicTensor

/** A layer that merges two branches of the input, each with weights of its own. */
const two = (make: () => Applicable) => (x: SymbolicTensor) => {
  const branch = () => layers.layers.dense({ units: x.shape.at(-1) as number }).apply(x) as SymbolicTensor
  return make().apply([branch(), branch()]) as SymbolicTensor
}

const l = layers.layers
const small = { units: 3 }
const image = [7, 6, 4] as const
const series = [6, 4] as const
const flat = [7] as const
const volume = [4, 5, 4, 2] as const
const many = { returnSequences: true }

/** Every layer class that tfjs-layers 4.22 can load from JSON, by class name; cells stand inside the layer that runs them. */
export const LAYER_CASES: Readonly<Record<string, readonly LayerCase[]>> = {
  InputLayer: [{ input: flat, apply: (x) => x }],
  Dense: [
    { input: flat, apply: one(() => l.dense({ units: 5, activation: 'tanh' })) },
    { input: series, about: 'over the last axis', apply: one(() => l.dense({ units: 5 })) },
    {
      input: flat,
      about: 'regularised',
      fallback: 'kernelRegularizer is set',
      apply: one(() => l.dense({ units: 5, kernelRegularizer: 'l1l2' })),
    },
  ],
  Activation: [
    'elu',
    'relu',
    'relu6',
    'selu',
    'sigmoid',
    'hardSigmoid',
    'softplus',
    'softsign',
    'tanh',
    'swish',
    'mish',
    'gelu',
    'gelu_new',
    'softmax',
    'linear',
    'logSoftmax',
  ].map((activation) => ({
    input: flat,
    about: activation,
    ...(activation === 'logSoftmax' ? { fallback: 'there is no kernel for the activation logSoftmax' } : {}),
    apply: one(() => l.activation({ activation: activation as 'relu' })),
  })),
  ReLU: [
    { input: flat, apply: one(() => l.reLU({})) },
    { input: flat, about: 'capped', apply: one(() => l.reLU({ maxValue: 0.7 })) },
  ],
  LeakyReLU: [{ input: flat, apply: one(() => l.leakyReLU({ alpha: 0.2 })) }],
  PReLU: [
    { input: flat, apply: one(() => l.prelu({ alphaInitializer: 'randomNormal' })) },
    { input: image, about: 'shared axes', apply: one(() => l.prelu({ alphaInitializer: 'randomNormal', sharedAxes: [1, 2] })) },
  ],
  ELU: [{ input: flat, apply: one(() => l.elu({})) }],
  ThresholdedReLU: [{ input: flat, apply: one(() => l.thresholdedReLU({ theta: 0.3 })) }],
  Softmax: [{ input: flat, apply: one(() => l.softmax({})) }],
  Conv1D: [
    { input: series, apply: one(() => l.conv1d({ filters: 5, kernelSize: 3, activation: 'relu' })) },
    { input: series, about: 'same, stride 2', apply: one(() => l.conv1d({ filters: 5, kernelSize: 3, strides: 2, padding: 'same' })) },
    { input: series, about: 'dilated', apply: one(() => l.conv1d({ filters: 5, kernelSize: 2, dilationRate: 2 })) },
  ],
  Conv2D: [
    { input: image, apply: one(() => l.conv2d({ filters: 5, kernelSize: 3, activation: 'relu' })) },
    { input: image, about: 'same, stride 2', apply: one(() => l.conv2d({ filters: 5, kernelSize: 3, strides: 2, padding: 'same' })) },
    { input: image, about: 'dilated', apply: one(() => l.conv2d({ filters: 5, kernelSize: 2, dilationRate: 2 })) },
    { input: image, about: 'no bias', apply: one(() => l.conv2d({ filters: 5, kernelSize: [3, 2], useBias: false })) },
  ],
  Conv3D: [
    { fallback: UNKNOWN, input: volume, apply: one(() => l.conv3d({ filters: 3, kernelSize: 2 })) },
    {
      fallback: UNKNOWN,
      input: volume,
      about: 'same, stride 2',
      apply: one(() => l.conv3d({ filters: 3, kernelSize: 2, strides: 2, padding: 'same' })),
    },
  ],
  Conv2DTranspose: [
    { input: image, apply: one(() => l.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, padding: 'same' })) },
    { input: image, about: 'valid', apply: one(() => l.conv2dTranspose({ filters: 3, kernelSize: 3, activation: 'relu' })) },
  ],
  Conv3DTranspose: [
    { fallback: UNKNOWN, input: volume, apply: one(() => l.conv3dTranspose({ filters: 3, kernelSize: 2, strides: 2, padding: 'same' })) },
  ],
  SeparableConv2D: [
    { input: image, apply: one(() => l.separableConv2d({ filters: 5, kernelSize: 3, activation: 'relu' })) },
    {
      input: image,
      about: 'same, stride 2, two a channel',
      apply: one(() => l.separableConv2d({ filters: 5, kernelSize: 3, strides: 2, padding: 'same', depthMultiplier: 2 })),
    },
  ],
  DepthwiseConv2D: [
    { input: image, apply: one(() => l.depthwiseConv2d({ kernelSize: 3, activation: 'relu' })) },
    {
      input: image,
      about: 'same, stride 2, two a channel',
      fallback: 'depthMultiplier is not 1',
      apply: one(() => l.depthwiseConv2d({ kernelSize: 3, strides: 2, padding: 'same', depthMultiplier: 2 })),
    },
  ],
  Cropping2D: [
    {
      input: image,
      apply: one(() =>
        l.cropping2D({
          cropping: [
            [1, 2],
            [0, 1],
          ],
        }),
      ),
    },
  ],
  UpSampling2D: [
    { input: image, apply: one(() => l.upSampling2d({ size: [2, 3] })) },
    {
      input: image,
      about: 'bilinear',
      fallback: 'interpolation is bilinear',
      apply: one(() => l.upSampling2d({ size: [2, 2], interpolation: 'bilinear' })),
    },
  ],
  ZeroPadding2D: [
    {
      input: image,
      apply: one(() =>
        l.zeroPadding2d({
          padding: [
            [1, 0],
            [2, 1],
          ],
        }),
      ),
    },
  ],
  SimpleRNN: [
    { input: series, apply: one(() => l.simpleRNN(small)) },
    { input: series, about: 'sequences', apply: one(() => l.simpleRNN({ ...small, ...many })) },
  ],
  GRU: [
    { input: series, apply: one(() => l.gru(small)) },
    { input: series, about: 'sequences', apply: one(() => l.gru({ ...small, ...many })) },
    { input: series, about: 'tanh, sigmoid', apply: one(() => l.gru({ ...small, recurrentActivation: 'sigmoid', useBias: false })) },
  ],
  LSTM: [
    { input: series, apply: one(() => l.lstm(small)) },
    { input: series, about: 'sequences', apply: one(() => l.lstm({ ...small, ...many, recurrentActivation: 'sigmoid' })) },
    { input: series, about: 'backwards', apply: one(() => l.lstm({ ...small, goBackwards: true })) },
    {
      input: series,
      about: 'dropout',
      fallback: 'dropout is set',
      apply: one(() => l.lstm({ ...small, dropout: 0.3, recurrentDropout: 0.2 })),
    },
  ],
  SimpleRNNCell: [{ fallback: UNKNOWN, input: series, apply: one(() => l.rnn({ cell: l.simpleRNNCell(small) })) }],
  GRUCell: [{ fallback: UNKNOWN, input: series, apply: one(() => l.rnn({ cell: l.gruCell(small) })) }],
  LSTMCell: [{ fallback: UNKNOWN, input: series, apply: one(() => l.rnn({ cell: l.lstmCell(small) })) }],
  RNN: [{ fallback: UNKNOWN, input: series, apply: one(() => l.rnn({ cell: l.simpleRNNCell(small), ...many })) }],
  StackedRNNCells: [
    {
      fallback: UNKNOWN,
      input: series,
      apply: one(() => l.rnn({ cell: l.stackedRNNCells({ cells: [l.gruCell(small), l.lstmCell(small)] }) as never })),
    },
  ],
  ConvLSTM2D: [
    {
      fallback: UNKNOWN,
      input: [3, 5, 4, 2],
      apply: one(() => l.convLstm2d({ filters: 2, kernelSize: 2, recurrentInitializer: 'glorotUniform' })),
    },
  ],
  ConvLSTM2DCell: [
    {
      fallback: UNKNOWN,
      input: [3, 5, 4, 2],
      apply: one(() => l.convLstm2d({ filters: 2, kernelSize: 2, recurrentInitializer: 'glorotUniform', ...many, padding: 'same' })),
    },
  ],
  Bidirectional: [
    { input: series, apply: one(() => l.bidirectional({ layer: l.gru(small) as never, mergeMode: 'concat' })) },
    {
      input: series,
      about: 'sequences, summed',
      fallback: 'mergeMode is sum',
      apply: one(() => l.bidirectional({ layer: l.lstm({ ...small, ...many }) as never, mergeMode: 'sum' })),
    },
  ],
  TimeDistributed: [{ input: series, apply: one(() => l.timeDistributed({ layer: l.dense({ units: 3, activation: 'relu' }) })) }],
  Dropout: [{ random: true, input: flat, apply: one(() => l.dropout({ rate: 0.4 })) }],
  SpatialDropout1D: [{ random: true, input: series, apply: one(() => l.spatialDropout1d({ rate: 0.4 })) }],
  GaussianNoise: [{ fallback: UNKNOWN, input: flat, apply: one(() => l.gaussianNoise({ stddev: 0.3 })) }],
  GaussianDropout: [{ fallback: UNKNOWN, input: flat, apply: one(() => l.gaussianDropout({ rate: 0.4 })) }],
  AlphaDropout: [{ fallback: UNKNOWN, input: flat, apply: one(() => l.alphaDropout({ rate: 0.4 })) }],
  Flatten: [{ input: image, apply: one(() => l.flatten()) }],
  RepeatVector: [{ input: flat, apply: one(() => l.repeatVector({ n: 3 })) }],
  Reshape: [{ input: image, apply: one(() => l.reshape({ targetShape: [21, 8] })) }],
  Permute: [{ input: image, apply: one(() => l.permute({ dims: [3, 1, 2] })) }],
  Masking: [{ fallback: UNKNOWN, input: series, apply: (x) => one(() => l.simpleRNN(small))(one(() => l.masking({ maskValue: 0 }))(x)) }],
  Embedding: [
    { input: [6], integers: 9, apply: one(() => l.embedding({ inputDim: 9, outputDim: 4, embeddingsInitializer: 'randomNormal' })) },
    {
      input: [6],
      integers: 9,
      about: 'masking zeros',
      fallback: 'maskZero is set',
      apply: (x) =>
        one(() => l.gru(small))(
          one(() => l.embedding({ inputDim: 9, outputDim: 4, maskZero: true, embeddingsInitializer: 'randomNormal' }))(x),
        ),
    },
  ],
  Add: [{ input: flat, apply: two(() => l.add()) }],
  Multiply: [{ input: flat, apply: two(() => l.multiply()) }],
  Average: [{ input: flat, apply: two(() => l.average()) }],
  Maximum: [{ input: flat, apply: two(() => l.maximum()) }],
  Minimum: [{ input: flat, apply: two(() => l.minimum()) }],
  Concatenate: [
    { input: flat, apply: two(() => l.concatenate()) },
    { input: series, about: 'along time', apply: two(() => l.concatenate({ axis: 1 })) },
  ],
  Dot: [
    { input: flat, apply: two(() => l.dot({ axes: -1 })) },
    { input: flat, about: 'normalised', fallback: 'normalize is set', apply: two(() => l.dot({ axes: -1, normalize: true })) },
  ],
  BatchNormalization: [
    { input: flat, apply: one(() => l.batchNormalization({})) },
    { input: image, about: 'images, without scale', apply: one(() => l.batchNormalization({ scale: false })) },
  ],
  LayerNormalization: [{ input: series, apply: one(() => l.layerNormalization({})) }],
  MaxPooling1D: [{ input: series, apply: one(() => l.maxPooling1d({ poolSize: 2 })) }],
  AveragePooling1D: [{ input: series, apply: one(() => l.averagePooling1d({ poolSize: 2 })) }],
  MaxPooling2D: [
    { input: image, apply: one(() => l.maxPooling2d({ poolSize: 2 })) },
    { input: image, about: 'same, overlapping', apply: one(() => l.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' })) },
  ],
  AveragePooling2D: [
    { input: image, apply: one(() => l.averagePooling2d({ poolSize: 2 })) },
    { input: image, about: 'same, overlapping', apply: one(() => l.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' })) },
  ],
  MaxPooling3D: [{ fallback: UNKNOWN, input: volume, apply: one(() => l.maxPooling3d({ poolSize: 2 })) }],
  AveragePooling3D: [{ fallback: UNKNOWN, input: volume, apply: one(() => l.averagePooling3d({ poolSize: 2 })) }],
  GlobalAveragePooling1D: [{ input: series, apply: one(() => l.globalAveragePooling1d({})) }],
  GlobalMaxPooling1D: [{ input: series, apply: one(() => l.globalMaxPooling1d({})) }],
  GlobalAveragePooling2D: [{ input: image, apply: one(() => l.globalAveragePooling2d({})) }],
  GlobalMaxPooling2D: [{ input: image, apply: one(() => l.globalMaxPooling2d({})) }],
  Rescaling: [{ input: image, apply: one(() => l.rescaling({ scale: 0.5, offset: 0.1 })) }],
  CenterCrop: [{ fallback: UNKNOWN, input: image, apply: one(() => l.centerCrop({ height: 4, width: 4 })) }],
  Resizing: [{ fallback: UNKNOWN, input: image, apply: one(() => l.resizing({ height: 4, width: 9 })) }],
  CategoryEncoding: [
    { fallback: UNKNOWN, input: [6], integers: 9, apply: one(() => l.categoryEncoding({ numTokens: 9, outputMode: 'multiHot' })) },
  ],
  RandomWidth: [
    {
      fallback: 'has the open shape',
      input: image,
      apply: (x) => one(() => l.globalAveragePooling2d({}))(one(() => l.randomWidth({ factor: 0.3, seed: 3 }))(x)),
    },
  ],
}
