import type { JsonObject } from '../core/json.ts'
import { glorot, head, layer, sequential } from './architectures.ts'
import type { Topology } from './model.ts'

/**
 * A network over sequences of token numbers, [length] each: an embedding, one recurrent layer (Hochreiter and Schmidhuber 1997, Cho et al. 2014), the head. Sequences are padded in front,
 * so that the last state has seen the text's end.
 */
export function recurrent(options: {
  readonly length: number
  /** Token numbers lie below this; 0 is padding. */
  readonly vocabulary: number
  readonly classes: number
  readonly cell: 'gru' | 'lstm'
  readonly embedding: number
  readonly units: number
  readonly dropout?: number
}): Topology {
  const { length, vocabulary, classes, cell, units, dropout } = options
  const gates: JsonObject = {
    units,
    activation: 'tanh',
    recurrent_activation: 'sigmoid',
    use_bias: true,
    kernel_initializer: glorot,
    recurrent_initializer: glorot,
    return_sequences: false,
    return_state: false,
    unroll: false,
  }
  return sequential(
    cell,
    [length],
    [
      layer('Embedding', 'embedding', {
        input_dim: vocabulary,
        output_dim: options.embedding,
        embeddings_initializer: { class_name: 'RandomUniform', config: { minval: -0.05, maxval: 0.05, seed: null } },
        mask_zero: false,
        input_length: length,
      }),
      // tfjs leaks four tensors for each LSTM whose forget gate it is to open at the start
      cell === 'lstm' ? layer('LSTM', 'recurrent', { ...gates, unit_forget_bias: false }) : layer('GRU', 'recurrent', gates),
      ...(dropout ? [layer('Dropout', 'dropout', { rate: dropout })] : []),
      head(classes),
    ],
  )
}
