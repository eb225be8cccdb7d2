import type { Client } from '../../shared/contract/client.ts'
import type { Alert } from '../../shared/contract/monitoring.ts'
import type { RunDetail } from '../../shared/contract/pipelines.ts'
import type { Rollout } from '../../shared/contract/rollouts.ts'
import { must } from '../../shared/core/assert.ts'
import { slug } from '../../shared/core/fields.ts'
import type { RolloutId, RunId } from '../../shared/core/ids.ts'
import { seededRandom } from '../../shared/core/random.ts'
import { type BrowserDevice, openBrowserDevice } from './browser-devices.ts'
import type { LoopDevice } from './loop-device.ts'
import { openSimulatedFleet } from './simulated-devices.ts'
import { spoilSelfTest } from './spoiled-version.ts'
import { type StageRunner, until } from './stages.ts'
import { driftedWorld, usualWorld, type World } from './world.ts'

const MODEL = slug.parse('digits')
const STABLE = slug.parse('stable')
const APP = 'digits'
/** What one device shows its model in one visit. */
const VISIT = 20
const MINUTE = 60_000

export type LoopOptions = {
  readonly runner: StageRunner
  readonly client: Client
  readonly url: string
  readonly devices: number
  readonly browsers: number
  readonly seed: number
}

export type Figures = {
  accuracyInitial: number
  accuracyDriftedBefore: number
  accuracyDriftedAfter: number
  accuracyOriginalAfter: number
  alarmsAfterPromotion: number
  offlinePredict: boolean
  falseAlarmsBeforeDrift: number
  driftDetectedAfterDevices: number
  promotedAfterDevices: number
  rollbackAfterDevices: number
  rollbackLogEvidence: number
  refusedByDevices: number
  devices: number
  backends: Record<string, number>
}

/** The whole loop, stage by stage; what was measured is put into `figures` as it is found. */
export async function runLoop(
  { runner, client, url, devices: count, browsers: browserCount, seed }: LoopOptions,
  figures: Partial<Figures>,
): Promise<void> {
  const random = seededRandom(seed)
  const opened: { close(): Promise<void> }[] = []
  const browsers: BrowserDevice[] = []
  const devices: LoopDevice[] = []
  let examiner: LoopDevice | undefined
  const { stage } = runner

  const params = { model: MODEL }
  const liveVersion = async (): Promise<number | undefined> => (await client('models.get', { params })).aliases[STABLE]
  const alerts = async (...kinds: Alert['kind'][]): Promise<Alert[]> =>
    (await client('alerts.list')).items.filter((alert) => kinds.includes(alert.kind))

  /** Share of right answers of the version that is stable now, on every image of a world, asked through a device. */
  async function accuracyOn(world: World): Promise<number> {
    const device = must(examiner, 'the examiner')
    await device.update()
    const seen = await device.see(world.all(), { feedback: false, share: false })
    return seen.filter(({ right }) => right).length / seen.length
  }

  async function finished(run: RunId, within: number, say: (text: string) => void): Promise<RunDetail> {
    let last = ''
    return until(`run ${run} ends`, within, async () => {
      const detail = await client('runs.get', { params: { run } })
      const now = detail.steps.find((step) => step.state === 'running')?.name ?? ''
      if (now !== last && now !== '') say(`step ${now}`)
      last = now
      if (detail.state === 'failed' || detail.state === 'stopped' || detail.state === 'cancelled')
        throw new Error(`run ${run} ${detail.state} in ${detail.error?.step}: ${detail.error?.detail}`)
      return detail.state === 'succeeded' && detail
    })
  }

  /** Devices come one after another, as they do in life; after each one it is asked whether what was waited for has happened. */
  async function visits(
    world: World,
    options: { feedback: boolean; share: boolean },
    reached: () => Promise<boolean>,
    most: number,
  ): Promise<number | undefined> {
    for (let visit = 0; visit < most; visit++) {
      const device = must(devices[visit % devices.length], 'a device')
      await device.update()
      await device.see(world.draw(random, VISIT), options)
      await device.flush()
      if (await reached()) return visit + 1
    }
    return undefined
  }

  const rolloutOf = async (candidate: number): Promise<Rollout | undefined> =>
    (await client('rollouts.list', { query: { model: MODEL } })).items.find((rollout) => rollout.candidate === candidate)

  async function rolloutEnds(id: RolloutId, most: number, world: World): Promise<{ rollout: Rollout; visits: number }> {
    const get = async () => (await client('rollouts.get', { params: { rollout: id } })).rollout
    const taken = await visits(world, { feedback: true, share: false }, async () => (await get()).state !== 'running', most)
    return { rollout: await get(), visits: taken ?? most }
  }

  try {
    await stage('train and release the first version', async (say) => {
      const run = await until('a first run', MINUTE, async () => (await client('runs.list')).items[0])
      const detail = await finished(run.id, 6 * MINUTE, say)
      return `${detail.steps.length} steps, version ${await liveVersion()}, accuracy ${detail.metrics['accuracy']?.toFixed(4)} on the test split`
    })

    await stage(`open ${browserCount} browsers and ${count} simulated devices`, async () => {
      for (let i = 0; i < browserCount; i++) {
        const browser = await openBrowserDevice(url, i)
        browsers.push(browser)
        opened.push(browser)
      }
      const fleet = await openSimulatedFleet({
        url,
        app: APP,
        model: MODEL,
        count,
        seed,
        fetch: (input, init) => fetch(input, init),
        statistics: true,
      })
      opened.push(fleet)
      const exam = await openSimulatedFleet({
        url,
        app: APP,
        model: MODEL,
        count: 1,
        seed: seed + 1,
        fetch: (input, init) => fetch(input, init),
        statistics: false,
      })
      opened.push(exam)
      examiner = exam.devices[0]
      devices.push(...browsers, ...fleet.devices)
      figures.devices = devices.length
      figures.accuracyInitial = await accuracyOn(usualWorld)
      return `${devices.length} devices; accuracy ${figures.accuracyInitial.toFixed(4)} on all 10,000 test images`
    })

    await stage('predict offline, after a reload', async () => {
      let right = 0
      const backends: Record<string, number> = {}
      for (const browser of browsers) {
        await browser.offline(true)
        await browser.reload()
        const seen = await browser.see(usualWorld.draw(random, 10), { feedback: false, share: false })
        right += seen.filter((one) => one.right).length
        for (const { backend } of seen.slice(0, 1)) backends[backend] = (backends[backend] ?? 0) + 1
        await browser.offline(false)
      }
      figures.offlinePredict = browsers.length > 0 && right >= browsers.length * 8
      figures.backends = backends
      if (!figures.offlinePredict) throw new Error(`${right} of ${browsers.length * 10} answers were right without a network`)
      return `${right} of ${browsers.length * 10} right without a network, on ${Object.keys(backends).join(', ')}`
    })

    await stage('an ordinary day: nobody is alarmed', async () => {
      await visits(usualWorld, { feedback: true, share: false }, () => Promise.resolve(false), devices.length)
      const raised = await alerts('drift', 'degradation', 'rollback')
      figures.falseAlarmsBeforeDrift = raised.length
      if (raised.length > 0) throw new Error(`alarms without a cause: ${raised.map(({ title }) => title).join('; ')}`)
      return `${devices.length * VISIT} predictions, 0 alarms`
    })

    let retraining: RunId | undefined
    await stage('the world drifts, and it is noticed', async () => {
      figures.accuracyDriftedBefore = await accuracyOn(driftedWorld)
      const taken = await visits(
        driftedWorld,
        { feedback: true, share: true },
        async () => (await alerts('drift')).length > 0,
        devices.length,
      )
      if (taken === undefined) throw new Error('no drift alert')
      figures.driftDetectedAfterDevices = taken
      const [alert] = await alerts('drift')
      return `accuracy there ${figures.accuracyDriftedBefore.toFixed(4)}; after ${taken} devices: ${alert?.title}`
    })

    await stage('people correct it and share, retraining starts by itself', async (say) => {
      const started = async () => {
        const { items } = await client('runs.list', { query: { pipeline: MODEL } })
        retraining = items.findLast((run) => run.trigger.kind === 'drift' || run.trigger.kind === 'degradation')?.id
        return retraining !== undefined
      }
      // people go on using the app while the training set grows; the trigger decides when there is enough
      if (!(await started())) await visits(driftedWorld, { feedback: true, share: true }, started, 3 * devices.length)
      const run = must(retraining, 'a run that a trigger started')
      const detail = await finished(run, 6 * MINUTE, say)
      return `run ${run} by ${detail.trigger.kind}: ${detail.trigger.reason}`
    })

    await stage('the better version goes out by canary and is promoted', async () => {
      const candidate = must((await client('versions.list', { params })).items[0], 'a candidate').version
      const rollout = must(await rolloutOf(candidate), 'a rollout of the candidate')
      const end = await rolloutEnds(rollout.id, 6 * devices.length, driftedWorld)
      if (end.rollout.state !== 'promoted') throw new Error(`the rollout is ${end.rollout.state}: ${end.rollout.evidence?.sentence}`)
      figures.promotedAfterDevices = end.rollout.evidence?.candidate.devices ?? end.visits
      figures.accuracyDriftedAfter = await accuracyOn(driftedWorld)
      figures.accuracyOriginalAfter = await accuracyOn(usualWorld)
      return `version ${candidate} after ${figures.promotedAfterDevices} canary devices; drifted ${figures.accuracyDriftedAfter.toFixed(4)}, as before ${figures.accuracyOriginalAfter.toFixed(4)}`
    })

    const good = must(await liveVersion(), 'a stable version')
    await stage('the drifted world is the usual one now: nobody is alarmed', async () => {
      await visits(driftedWorld, { feedback: true, share: false }, () => Promise.resolve(false), devices.length)
      const raised = (await alerts('drift', 'degradation', 'self-rollback')).filter(({ evidence }) => evidence['version'] === good)
      figures.alarmsAfterPromotion = raised.length
      if (raised.length > 0) throw new Error(`alarms about the new version: ${raised.map(({ title }) => title).join('; ')}`)
      return `${devices.length * VISIT} predictions, 0 alarms about version ${good}`
    })

    await stage('a broken candidate passes a careless gate, and is rolled back by evidence', async (say) => {
      const run = await client('runs.start', { params: { pipeline: slug.parse('digits-careless') }, body: { reason: 'a careless person' } })
      await finished(run.id, 6 * MINUTE, say)
      const candidate = must((await client('versions.list', { params })).items[0], 'a candidate').version
      const rollout = must(await rolloutOf(candidate), 'a rollout of the broken candidate')
      const end = await rolloutEnds(rollout.id, 6 * devices.length, driftedWorld)
      if (end.rollout.state !== 'rolled-back') throw new Error(`the rollout is ${end.rollout.state}: ${end.rollout.evidence?.sentence}`)
      figures.rollbackAfterDevices = must(end.rollout.evidence, 'evidence').candidate.devices
      figures.rollbackLogEvidence = must(end.rollout.evidence, 'evidence').logRollback
      if ((await liveVersion()) !== good) throw new Error('the stable version changed')
      return `version ${candidate} after ${figures.rollbackAfterDevices} canary devices: ${end.rollout.decision?.reason}`
    })

    await stage('a version with a wrong self-test is refused by every device', async () => {
      const spoiled = await spoilSelfTest(client, MODEL, good)
      await client('aliases.set', {
        params: { model: MODEL, alias: STABLE },
        body: { version: spoiled, reason: 'released by hand, unseen' },
      })
      for (const device of devices) {
        await device.update()
        await device.see(usualWorld.draw(random, 1), { feedback: false, share: false })
        await device.flush()
      }
      const versions = await Promise.all(devices.map((device) => device.version()))
      const refused = devices.filter((device, i) => device.refused.includes(spoiled) && versions[i] !== spoiled).length
      figures.refusedByDevices = refused
      await client('aliases.rollback', { params: { model: MODEL, alias: STABLE }, body: { reason: 'no device could run it' } })
      if (refused !== devices.length) throw new Error(`${refused} of ${devices.length} devices refused version ${spoiled}`)
      if ((await liveVersion()) !== good) throw new Error('the alias did not go back')
      return `${refused} of ${devices.length} devices kept what they had; the alias is back at version ${good}`
    })
  } finally {
    for (const each of opened) await each.close()
  }
}
