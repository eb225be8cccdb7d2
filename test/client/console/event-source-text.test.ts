import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { eventSourceText } from '../../../client/console/event-source-text.ts'

const read = (pieces: readonly string[]): string[] => {
  const take = eventSourceText()
  return pieces.flatMap((piece) => take(piece))
}

it('[CNS-5] reads the same events however the stream is cut into pieces', () => {
  const events = fc.array(fc.string({ minLength: 1, unit: fc.constantFrom('a', 'ä', ' ', ':', '{', '}', '\\') }), { maxLength: 6 })
  fc.assert(
    fc.property(events, fc.constantFrom('\n', '\r\n', '\r'), fc.array(fc.nat({ max: 200 }), { maxLength: 12 }), (data, line, cuts) => {
      const text =
        data.map((one) => `: comment${line}event: x${line}data: ${one}${line}${line}`).join('') + `: the end${line}: really${line}`
      const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b)
      const pieces = [0, ...places].map((from, at) => text.slice(from, [...places, text.length][at]))
      expect(read(pieces)).toEqual(data)
    }),
  )
})

it('[CNS-5] joins several data lines, and waits for the end of an event', () => {
  expect(read(['data: one\ndata:two\ndata\n\n'])).toEqual(['one\ntwo\n'])
  expect(read(['data: never ended\n'])).toEqual([])
  expect(read([': only a comment\n\n', 'retry: 2000\n\n'])).toEqual([])
})
