import { expect, it } from 'vitest'
import { agoText, bytesText, durationText, numberText, percentText, plural, shortId } from '../../../client/ui/value-text.ts'

it('[CNS-8] writes durations, sizes, shares and numbers with units, in the same way everywhere', () => {
  expect([4.25, 840, 12_400, 200_000, 7_500_000, 190_000_000, null].map(durationText)).toEqual([
    '4.3 ms',
    '840 ms',
    '12.4 s',
    '3 min 20 s',
    '2 h 5 min',
    '2 d 5 h',
    '–',
  ])
  expect([914, 1200, 3_400_000, 2e9].map(bytesText)).toEqual(['914 B', '1.2 kB', '3.40 MB', '2.00 GB'])
  expect([percentText(0.98651), percentText(0.5, 0), percentText(null)]).toEqual(['98.65 %', '50 %', '–'])
  expect([12_345, 0.98765432, 0.00001234, 1234.5, -2.5].map(numberText)).toEqual(['12,345', '0.9877', '1.23e-5', '1,235', '-2.5'])
  expect([plural(1, 'device'), plural(0, 'device'), plural(1200, 'report')]).toEqual(['1 device', '0 devices', '1,200 reports'])
  expect(shortId('run_0123456789abcdefghjk')).toBe('run_01234567')
})

it('[CNS-8] says how long ago something was', () => {
  const now = Date.UTC(2026, 5, 15, 12)
  expect([2_000, 30_000, 600_000, 7_200_000, 3 * 86_400_000].map((past) => agoText(now - past, now))).toEqual([
    'just now',
    '30 s ago',
    '10 min ago',
    '2 h ago',
    '3 d ago',
  ])
  expect(agoText(now - 90 * 86_400_000, now)).toMatch(/Mar/)
})
