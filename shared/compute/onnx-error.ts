import { AppError, type ErrorCode } from '../core/errors.ts'

/** What onnxruntime says in words, in the order in which it is looked for. Its own codes tell less: most of it is "failed". */
const KNOWN: readonly (readonly [RegExp, ErrorCode])[] = [
  [/bad_alloc|out of memory|failed to allocate|Array buffer allocation failed/i, 'out_of_memory'],
  [/device (is|was) lost|DeviceLost|device lost/i, 'device_lost'],
  [/no available backend found/i, 'no_backend'],
  [/opset \d+ is under development|support for domain .* is till opset|unsupported model IR version/i, 'unsupported_op'],
  [/not a registered function\/op|No Op registered|Could not find an implementation|not implemented|NOT_IMPLEMENTED/i, 'unsupported_op'],
  [/Got invalid dimensions|Invalid rank for input|Invalid Feed Input/i, 'shape_mismatch'],
]

/** The failure behind what onnxruntime threw: `usual` where its words tell no more. */
export function asOnnxError(thrown: unknown, usual: ErrorCode): AppError {
  if (thrown instanceof AppError) return thrown
  const said = thrown instanceof Error ? thrown.message : String(thrown)
  // "failed to call OrtRun(). ERROR_CODE: 2, ERROR_MESSAGE: …"
  const what = said
    .replace(/^.*ERROR_MESSAGE: /s, '')
    .replaceAll(/\/\S*\/onnxruntime\/\S*\s*/g, '')
    .trim()
    .slice(0, 600)
  const code = KNOWN.find(([words]) => words.test(said))?.[1] ?? usual
  return new AppError(code, `onnxruntime: ${what}`, { issues: [{ where: 'model', what: what.slice(0, 300) }], cause: thrown })
}
