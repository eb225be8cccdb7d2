import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { manualClock, systemClock } from '../../../shared/core/clock.ts'
import { ensureClientBuilt } from '../../../server/client-build.ts'
import { checkInBrowser } from '../../../server/pipeline/runtime-check/browser-check.ts'
import { findChromium } from '../../../server/pipeline/runtime-check/chromium.ts'
import { must } from '../../../shared/core/assert.ts'
import { encodeSafetensors } from '../../../shared/tensor/safetensors.ts'
import { smallModel } from '../../workers/small-model.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-runtime-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
