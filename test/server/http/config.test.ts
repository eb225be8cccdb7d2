import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { AppError } from '../../../shared/core/errors.ts'
import { HELP, readConfig } from '../../../server/config.ts'

const failureOf = (args: string[], environment = {}): AppError => {
  try {
    readConfig(args, environment)
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown
  }
  throw new Error('it was taken')
}

test('[HTTP-14] without settings it is one folder and one port, on this machine only', () => {
  expect(readConfig([], {})).toMatchObject({
    data: resolve('data'),
    demo: 'full',
    pipelines: [],
    port: 8787,
    host: '127.0.0.1',
    logLevel: 'info',
    origins: [],
  })
})

test('[HTTP-14] flags win over the environment', () => {
  expect(
    readConfig(['--port', '0', '--data', 'x'], {
      SHOAL_PORT: '9000',
      SHOAL_HOST: '0.0.0.0',
      SHOAL_ORIGINS: 'https://a.example, https://b.example:8443',
    }),
  ).toMatchObject({
    port: 0,
    host: '0.0.0.0',
    data: resolve('x'),
    origins: ['https://a.example', 'https://b.example:8443'],
  })
})

test.each([[['--prot', '1']], [['--port']], [['serve']], [['--port=1', '--nope']]])('[HTTP-14] %j is refused', (args) => {
  expect(failureOf(args).code).toBe('invalid_input')
})

test('[HTTP-14] a wrong value is named by where it came from', () => {
  expect(failureOf(['--port', '99999']).issues.map((issue) => issue.where)).toEqual(['--port'])
  expect(failureOf([], { SHOAL_LOG_LEVEL: 'loud', SHOAL_ORIGINS: 'not an origin' }).issues.map((issue) => issue.where)).toEqual([
    'SHOAL_LOG_LEVEL',
    'SHOAL_ORIGINS',
  ])
})

test('[HTTP-14] help names every setting', () => {
  expect(readConfig(['--help'], {})).toBe('help')
  for (const name of [
    '--data',
    '--port',
    '--host',
    '--log-level',
    '--client',
    '--origins',
    '--admin-key',
    '--pipelines',
    '--demo',
    'SHOAL_DATA',
  ])
    expect(HELP).toContain(name)
})
