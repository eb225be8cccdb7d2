import { expect, test } from 'vitest'
import type { FeatureSkew } from '../../../shared/contract/skew.ts'
import { createCliWorld } from './cli-world.ts'

const feature = (name: string, status: FeatureSkew['status'], divergence: number): FeatureSkew => ({
  feature: name,
  kind: 'numeric',
  training: 1000,
  serving: 400,
  infinityNorm: null,
  jensenShannonDivergence: divergence,
  p: 0.2,
  status,
  sentence: `${name} is as it is`,
})

test('[CLI-51] skew is a table and an exit code, by verdict or by a threshold of its own', async () => {
  let features = [feature('ink', 'ok', 0.02), feature('slant', 'watch', 0.11)]
  const world = await createCliWorld({
    'monitoring.skew': async () => ({ version: 1, from: 1, to: 2, devices: 40, alpha: 0.01, features }),
  })
  const fine = await world.run('skew digits 1')
  expect([fine.code, fine.out.split('\n')[1]]).toEqual([0, 'ink\t1000\t400\t0.02\t-\t0.2\tok\tink is as it is'])
  const strict = await world.run('skew digits 1 --threshold 0.1')
  expect([strict.code, strict.out]).toEqual([1, expect.stringContaining('0.11\t-\t0.2\tskewed')])
  features = [feature('ink', 'drift', 0.3)]
  expect((await world.run('skew digits 1 --json')).code).toBe(1)
  expect((await world.run('skew digits 1 --threshold 2')).code).toBe(2)
  await world.close()
})
