/** The app itself, and its webhook's address and secret. */
import type { JsonObject } from '../../json.ts'
import { text } from '../../json.ts'
import { presentApp } from '../../present/app.ts'
import type { World } from '../../world/world.ts'
import { notFound, ok } from '../answer.ts'
import type { Handler } from '../call.ts'
import { pathText } from '../call.ts'

export const appOperations = {
  'apps/get-authenticated': ({ world }) => ok(presentApp(world)),
  'apps/get-webhook-config-for-app': ({ world }) => ok(presentHook(world)),
  'apps/update-webhook-config-for-app': ({ world, body }) => {
    world.app.webhookUrl = text(body, 'url') ?? world.app.webhookUrl
    world.app.webhookSecret = text(body, 'secret') ?? world.app.webhookSecret
    return ok(presentHook(world))
  },
  'apps/create-from-manifest': (call) => {
    const code = pathText(call, 'code')
    const conversion = call.world.manifests.get(code)
    if (conversion === undefined) throw notFound()
    // A code is good for one conversion.
    call.world.manifests.delete(code)
    return ok(conversion, 201)
  },
} satisfies Record<string, Handler>

function presentHook({ app }: World): JsonObject {
  return {
    content_type: 'json',
    insecure_ssl: '0',
    secret: '********',
    ...(app.webhookUrl === undefined ? {} : { url: app.webhookUrl }),
  }
}
