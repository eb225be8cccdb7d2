import { describe, expect, test } from 'vitest'
import { rolloutPolicy } from '../../../shared/contract/rollouts.ts'
import { type Random, seededRandom, shuffled } from '../../../shared/core/random.ts'
import { unwrap } from '../../../shared/core/result.ts'
import { tallyDevices } from '../../../shared/stats/rollout-evidence.ts'
import { isActive, type Machine, shareOf, startMachine, type Stratum, step } from '../../../server/rollouts/rollout.ts'
import { createWorld, MODEL, STABLE } from '../monitoring/world.ts'
import { runFleet } from './fleet.ts'

type World = { readonly candidate: number; readonly stable: number; readonly leaves?: number }

type Told = { readonly deviceId: string; readonly arm: 'candidate' | 'stable'; readonly bad: boolean; readonly left: boolean }

const stratumOf = (devices: readonly Told[]): Stratum => ({
  outcomes: tallyDevices(devices),
  selfRollbacks: tallyDevices(devices.map((device) => ({ ...device, bad: device.left }))),
})

/**
 * One rollout on a small fleet of devices that are very unlike each other and stay as they are: some are nearly always bad, whatever they run. They come
 * back in each stage until it is their turn to be candidates. Some are only heard of from the second stage on, and those are worse.
 */
function simulateSameDevices(random: Random, policy: Parameters<typeof startMachine>[0]['policy'], devices: number): Machine {
  let machine = startMachine({ mode: 'canary', policy, created: 0 })
  const fleet = Array.from({ length: devices }, (_, i) => {
    const late = random.uniform() < 0.4
    return {
      deviceId: String(i),
      position: random.uniform(),
      late,
      rate: random.uniform() < (late ? 0.5 : 0.1) ? 0.95 : 0.02,
      heard: false,
      done: false,
    }
  })
  for (let turn = 0; turn < 3 && isActive(machine.state); turn++) {
    const stage = machine.progress.stage
    const coming = shuffled(fleet, random).filter((device) => !device.done && (!device.late || turn > 0))
    for (let from = 0; from < coming.length && isActive(machine.state) && machine.progress.stage === stage; from += 10) {
      const share = shareOf(machine)
      const told = coming.slice(from, from + 10).map((device) => {
        const arm = device.position < share ? ('candidate' as const) : ('stable' as const)
        const one = { deviceId: device.deviceId, arm, bad: random.uniform() < device.rate, left: false, again: device.heard }
        device.heard = true
        device.done = arm === 'candidate'
        return one
      })
      const batch = { fresh: stratumOf(told.filter(({ again }) => !again)), again: stratumOf(told.filter(({ again }) => again)) }
      machine = unwrap(step(machine, { type: 'batch', batch, at: 0 })).machine
    }
  }
  return machine
}

/** One rollout over virtual hours: a base rate that swings by the hour, stages that ramp, devices assigned by chance. */
function simulate(random: Random, world: World, policy: Parameters<typeof startMachine>[0]['policy'], batches: number): Machine {
  let machine = startMachine({ mode: 'canary', policy, created: 0 })
  for (let hour = 0; hour < batches && isActive(machine.state); hour++) {
    const swing = 1 + 0.4 * Math.sin((2 * Math.PI * hour) / 24)
    const share = shareOf(machine)
    const devices = Array.from({ length: 40 }, (_, i) => {
      const arm = random.uniform() < share ? ('candidate' as const) : ('stable' as const)
      const left = arm === 'candidate' && random.uniform() < (world.leaves ?? 0)
      return { deviceId: String(i), arm, bad: left || random.uniform() < world[arm] * swing, left }
    })
    const batch = { fresh: stratumOf(devices), again: stratumOf([]) }
    machine = unwrap(step(machine, { type: 'batch', batch, at: hour * 3_600_000 })).machine
  }
  return machine
}

function rates(runs: number, world: World, policy: Parameters<typeof startMachine>[0]['policy'], batches: number, seed: number) {
  const random = seededRandom(seed)
  const ends = Array.from({ length: runs }, () => simulate(random, world, policy, batches))
  const share = (state: string) => ends.filter((machine) => machine.state === state).length / runs
  const devices = ends.map((machine) => machine.progress.outcomes.candidate.devices).sort((a, b) => a - b)
  return { rolledBack: share('rolled-back'), promoted: share('promoted'), median: devices[Math.floor(runs / 2)] ?? 0 }
}

describe('error rates of the whole decision', () => {
  test('[ROL-14] an equal candidate stays within the bound also where the same unlike devices come back in each stage', () => {
    const random = seededRandom(14)
    const alpha = 0.05
    const stages = [0.1, 0.3, 0.5].map((share) => ({ share, minDevices: 3 }))
    const policy = rolloutPolicy.parse({ alpha, stages })
    const runs = 1500
    const ends = Array.from({ length: runs }, () => simulateSameDevices(random, policy, 120))
    const wrong = ends.filter(({ state }) => state === 'rolled-back').length / runs
    expect(wrong).toBeLessThanOrEqual(alpha + 2 * Math.sqrt((alpha * (1 - alpha)) / runs))
    // the simulation did get to later stages, where devices come back
    expect(ends.filter(({ progress }) => progress.stage > 0).length).toBeGreaterThan(runs / 2)
  })

  test('[ROL-18] an equal candidate is rolled back with probability alpha at most, under any look, ramp and swing', () => {
    const policy = rolloutPolicy.parse({ alpha: 0.05, beta: 0.001, oddsCeiling: 1.2 })
    const { rolledBack } = rates(400, { candidate: 0.1, stable: 0.1 }, policy, 150, 21)
    // alpha and two standard errors
    expect(rolledBack).toBeLessThanOrEqual(0.05 + 2 * Math.sqrt((0.05 * 0.95) / 400))
  })

  test('[ROL-19] a candidate as bad as the ceiling is promoted with probability beta at most', () => {
    const policy = rolloutPolicy.parse({ alpha: 0.001, beta: 0.05 })
    // odds of 0.1 doubled
    const candidate = 2 / 9 / (1 + 2 / 9)
    const { promoted } = rates(300, { candidate, stable: 0.1 }, policy, 200, 22)
    expect(promoted).toBeLessThanOrEqual(0.05 + 2 * Math.sqrt((0.05 * 0.95) / 300))
  })

  test('[ROL-20] harm is found: three times the bad devices within a few hundred, a broken candidate within a dozen', () => {
    const policy = rolloutPolicy.parse({})
    const tripled = rates(100, { candidate: 0.15, stable: 0.05 }, policy, 400, 23)
    expect(tripled.rolledBack).toBeGreaterThanOrEqual(0.95)
    expect(tripled.median).toBeLessThan(220)
    const broken = rates(100, { candidate: 0.05, stable: 0.05, leaves: 0.9 }, policy, 100, 24)
    expect(broken.rolledBack).toBe(1)
    expect(broken.median).toBeLessThanOrEqual(12)
  })

  test('[ROL-21] through the service, on virtual time: equal candidates stay, broken ones go', { timeout: 60_000 }, async () => {
    const policy = rolloutPolicy.parse({
      stages: [
        { share: 0.3, minDevices: 5 },
        { share: 0.5, minDevices: 10_000 },
      ],
    })
    const states = { equal: [] as string[], broken: [] as string[] }
    for (let run = 0; run < 12; run++) {
      const one = await createWorld({ seed: 100 + run })
      await one.addVersion()
      const rollout = await one.rollouts.start(
        { model: MODEL, alias: STABLE, candidate: 2, mode: 'canary', policy, reason: 'r' },
        { kind: 'system', name: 'test' },
      )
      const kind = run % 2 === 0 ? 'equal' : 'broken'
      await runFleet(
        one,
        seededRandom(200 + run),
        150,
        kind === 'equal' ? { candidate: 0.1, stable: 0.1 } : { candidate: 0.7, stable: 0.1 },
      )
      states[kind].push((await one.rollouts.get(rollout.id)).rollout.state)
      expect(one.failures).toEqual([])
      await one.close()
    }
    expect(states).toEqual({ equal: Array(6).fill('running'), broken: Array(6).fill('rolled-back') })
  })
})
