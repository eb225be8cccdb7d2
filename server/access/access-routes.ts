import { AppError } from '../../shared/core/errors.ts'
import type { Handlers } from '../http/register.ts'
import type { Access } from './access-service.ts'

export const accessRoutes = (access: Access): Handlers => ({
  'keys.list': async () => ({ items: await access.listKeys() }),
  'keys.create': ({ body }) => access.createKey(body),
  'keys.revoke': async ({ params, actor }) => {
    // the last hand on the door handle would be outside
    if (actor.kind === 'key' && actor.id === params.key)
      throw new AppError('invalid_input', 'a key cannot revoke itself: use another admin key', {
        issues: [{ where: 'path.key', what: 'is the presented key' }],
      })
    await access.revokeKey(params.key)
    return undefined
  },
  'keys.self': ({ actor }) => {
    if (actor.kind !== 'key') throw new AppError('forbidden', 'only a key has a key')
    return access.getKey(actor.id)
  },
  'apps.list': async () => ({ items: await access.listApps() }),
  'apps.create': ({ body }) => access.createApp(body),
  'devices.register': ({ params }) => access.registerDevice(params.app),
})
