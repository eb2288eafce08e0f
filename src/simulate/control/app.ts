/** The registered app: what an admin would copy from its settings page, and events by hand. */
import { child, text } from '../json.ts'
import { presentApp } from '../present/app.ts'
import { apiUrl } from '../present/addresses.ts'
import { refuse } from '../rest/answer.ts'
import { emitWebhook } from '../webhooks/emit-webhook.ts'
import { deliverWebhook } from '../webhooks/deliver-webhook.ts'
import { findRepository } from '../world/find-repository.ts'
import type { ControlRoute } from './control-route.ts'
import { needText, senderOf } from './control-route.ts'

export const appRoutes: readonly ControlRoute[] = [
  {
    method: 'GET',
    path: '/app',
    answer: ({ world }) => ({
      url: world.origin,
      apiUrl: apiUrl(world),
      appId: world.app.id,
      slug: world.app.slug,
      privateKey: world.app.privateKey,
      webhookSecret: world.app.webhookSecret,
      webhookUrl: world.app.webhookUrl ?? null,
      clientId: world.app.clientId,
      clientSecret: world.app.clientSecret,
    }),
  },
  {
    method: 'PUT',
    path: '/hook',
    answer: ({ world, body }) => {
      world.app.webhookUrl = text(body, 'url') ?? world.app.webhookUrl
      world.app.webhookSecret = text(body, 'secret') ?? world.app.webhookSecret
      return {}
    },
  },
  {
    method: 'PUT',
    path: '/login',
    answer: ({ world, body }) => {
      world.login.autoApproveAs = text(body, 'as')
      return {}
    },
  },
  {
    method: 'POST',
    path: '/ping',
    answer: ({ world }) => {
      const { app } = world
      const url = apiUrl(world, '/app/hook')
      const config = { url: app.webhookUrl ?? '', content_type: 'json', insecure_ssl: '0' }
      const about = {
        url,
        ping_url: `${url}/pings`,
        deliveries_url: `${url}/deliveries`,
        created_at: app.createdAt,
        updated_at: app.createdAt,
      }
      const hook = {
        type: 'App',
        id: app.hookId,
        name: 'web',
        active: true,
        app_id: app.id,
        events: app.events,
        config,
        ...about,
      }
      const payload = { zen: 'Keep it logically awesome.', hook_id: world.app.hookId, hook, app: presentApp(world) }
      deliverWebhook(world, {
        event: 'ping',
        action: null,
        installationId: null,
        repositoryId: null,
        body: JSON.stringify(payload),
      })
      return {}
    },
  },
  {
    method: 'POST',
    path: '/events',
    answer: (call) => {
      const [owner = '', name = ''] = needText(call, 'repository').split('/')
      const repository = findRepository(call.world, owner, name)
      if (repository === undefined) throw refuse(404, `there is no repository ${owner}/${name}`)
      const action = text(call.body, 'action')
      emitWebhook(call.world, {
        event: needText(call, 'event'),
        ...(action === undefined ? {} : { action }),
        sender: senderOf(call, repository),
        repository,
        payload: child(call.body, 'payload') ?? {},
      })
      return {}
    },
  },
]
