import { expect, test } from 'vitest'
import { beginLife } from '../../../shared/compute/backend-life.ts'
import { AppError } from '../../../shared/core/errors.ts'

test('[CMP-63] a read that the device gives up before it tells of its loss is device_lost, and ends this life of the backend', async () => {
  const { life } = beginLife()
  const heard: string[] = []
  life.onLost(({ code }) => void heard.push(code))
  const words = "Failed to execute 'mapAsync' on 'GPUBuffer': Buffer was unmapped before mapping was resolved."
  await expect(life.within(() => Promise.reject(new DOMException(words, 'AbortError')))).rejects.toMatchObject({ code: 'device_lost' })
  // at once: the next start is not to be given the device that is going
  expect([life.lost?.code, heard]).toEqual(['device_lost', ['device_lost']])
})

test('[CMP-63] what was aborted on purpose stays so', async () => {
  const { life } = beginLife()
  const aborted = new AppError('aborted', 'by whoever asked')
  await expect(life.within(() => Promise.reject(aborted))).rejects.toBe(aborted)
  const other = new DOMException('The user aborted a request.', 'AbortError')
  await expect(life.within(() => Promise.reject(other))).rejects.toBe(other)
})

test('[CMP-63] the loss itself, once it is told, is what whoever waits hears', async () => {
  const { life, end } = beginLife()
  const lost = new AppError('device_lost', 'the GPU device was lost: destroyed')
  const waits = life.within(() => new Promise(() => undefined))
  end(lost)
  await expect(waits).rejects.toBe(lost)
  await expect(life.within(() => Promise.resolve(1))).rejects.toBe(lost)
})
