import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SimulatedApp } from './simulated-app.ts'
import { startSimulatedApp } from './simulated-app.ts'
import type { ReceivedWebhook } from './webhook-receiver.ts'

describe('webhooks of the simulated GitHub', () => {
  let simulated: SimulatedApp
  const fullName = 'alice/shop'

  beforeAll(async () => {
    simulated = await startSimulatedApp()
    await simulated.control.createRepository({ owner: 'alice', name: 'shop', files: { 'README.md': 'hello\n' } })
  })
  afterAll(() => simulated.close())

  it("are shaped as the community's schemas say", async () => {
    const { control, receiver } = simulated
    const sha = await control.commit(fullName, { branch: 'work', files: { a: '1' } })
    const pull = await control.openPullRequest(fullName, { head: 'work' })
    await control.movePullRequest(fullName, 1, 'label', { label: 'ok' })
    await control.movePullRequest(fullName, 1, 'comment', { body: '/deploy' })
    await control.movePullRequest(fullName, 1, 'synchronize')
    const group = await control.requestMergeGroup(fullName, pull.number)
    await control.destroyMergeGroup(fullName, group.head_ref, 'dequeued')
    await control.movePullRequest(fullName, 1, 'close')
    await control.movePullRequest(fullName, 1, 'reopen')
    await control.movePullRequest(fullName, 1, 'merge')
    await control.tag(fullName, 'v1')
    await control.deleteTag(fullName, 'v1')
    const { rest } = await simulated.installed('alice')
    const { data: run } = await rest.checks.create({
      owner: 'alice',
      repo: 'shop',
      name: 'x',
      head_sha: sha,
      actions: [{ label: 'l', description: 'd', identifier: 'i' }],
    })
    await control.press(run.id, 'i')
    await rest.checks.update({ owner: 'alice', repo: 'shop', check_run_id: run.id, conclusion: 'success' })
    await control.rerunCheck(run.id)
    await control.rerunSuite(run.check_suite?.id ?? 0)
    await control.completeWorkflowRun((await control.startWorkflowRun(fullName)).id)
    await control.changeRepository(fullName, { private: true })
    await control.changeRepository(fullName, { name: 'store' })
    await control.changeRepository('alice/store', { name: 'shop', private: false, defaultBranch: 'work' })
    await control.ping()
    const bob = await control.install('bob', { repositories: [] })
    await control.createRepository({ owner: 'bob', name: 'tools' })
    for (const verb of ['suspend', 'unsuspend', 'delete'] as const) await control.changeInstallation(bob.id, verb)
    await control.delivered()

    const ajv = new Ajv({ strict: false, allErrors: true })
    addFormats.default(ajv)
    const schema: { definitions: Record<string, object> } = createRequire(import.meta.url)('@octokit/webhooks-schemas')
    // Without the root's choice of all events, which alone takes seconds to compile.
    ajv.addSchema({ definitions: schema.definitions, $id: 'webhooks' })
    const broken = receiver.received.flatMap(({ event, payload }) => {
      const name = [`${event}$${String(payload['action'])}`, `${event}$event`].find(
        (candidate) => candidate in schema.definitions,
      )
      const validate = name === undefined ? undefined : ajv.getSchema(`webhooks#/definitions/${name}`)
      if (validate === undefined) return [`${event}: no schema`]
      validate(payload)
      // The schemas are closed and older than GitHub: what they do not know, and what apps may subscribe to by now, are no faults.
      const faults = (validate.errors ?? []).filter(
        ({ keyword, instancePath }) =>
          keyword !== 'additionalProperties' && !/\/(app|hook)\/events(\/\d+)?$/.test(instancePath),
      )
      return faults.map((fault) => `${String(name)} ${fault.instancePath} ${fault.message ?? ''}`)
    })
    expect([...new Set(broken)]).toEqual([])
    expect((await control.report()).problems).toEqual([])
    const seen = new Set(receiver.received.map(({ event, payload }) => `${event}.${String(payload['action'] ?? '')}`))
    expect([...seen].sort()).toEqual(
      [
        'push.',
        'create.',
        'delete.',
        'ping.',
        ...['opened', 'labeled', 'synchronize', 'closed', 'reopened'].map((action) => `pull_request.${action}`),
        ...['checks_requested', 'destroyed'].map((action) => `merge_group.${action}`),
        ...['created', 'completed', 'rerequested', 'requested_action'].map((action) => `check_run.${action}`),
        ...['requested', 'completed', 'rerequested'].map((action) => `check_suite.${action}`),
        ...['in_progress', 'completed'].map((action) => `workflow_run.${action}`),
        ...['privatized', 'publicized', 'renamed', 'edited'].map((action) => `repository.${action}`),
        ...['created', 'suspend', 'unsuspend', 'deleted'].map((action) => `installation.${action}`),
        'installation_repositories.added',
      ].sort(),
    )
  })

  it("carry GitHub's headers", async () => {
    simulated.receiver.received.length = 0
    await simulated.control.ping()
    await simulated.control.delivered()
    expect(simulated.receiver.received[0]?.headers).toMatchObject({
      'x-github-event': 'ping',
      'x-github-delivery': expect.stringMatching(/^[0-9a-f-]{36}$/),
      'x-github-hook-id': expect.stringMatching(/^\d+$/),
      'x-github-hook-installation-target-id': String(simulated.github.appId),
      'x-github-hook-installation-target-type': 'integration',
      'x-hub-signature': expect.stringMatching(/^sha1=/),
      'x-hub-signature-256': expect.stringMatching(/^sha256=/),
    })
  })

  it('that failed are listed, and sent again only when asked, under the same id', async () => {
    const { app, control, receiver } = simulated
    receiver.answerWith(500)
    receiver.received.length = 0
    await control.ping()
    await control.delivered()
    receiver.answerWith(202)
    const { data: failed } = await app.rest.apps.listWebhookDeliveries({ status: 'failure' })
    expect(failed).toMatchObject([{ event: 'ping', status_code: 500, redelivery: false }])
    await app.rest.apps.redeliverWebhookDelivery({ delivery_id: failed[0]?.id ?? 0 })
    await control.delivered()
    expect(receiver.received.map(({ guid }) => guid)).toEqual([failed[0]?.guid, failed[0]?.guid])
    const { data: attempts } = await app.rest.apps.listWebhookDeliveries({ per_page: 2 })
    expect(attempts).toMatchObject([{ redelivery: true, status: 'OK' }, { redelivery: false }])
    expect((await control.report()).failedDeliveries).toEqual([])
    const all = await app.paginate(app.rest.apps.listWebhookDeliveries, { per_page: 5 })
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
    expect(all.length).toBeGreaterThan(20)
  })

  it('are lost, doubled, held back, falsified on order', async () => {
    const { control, receiver } = simulated
    receiver.received.length = 0
    const push = (text: string): Promise<string> => control.commit(fullName, { branch: 'faults', files: { f: text } })
    await push('0')
    await control.delivered()
    receiver.received.length = 0

    await control.webhookFault({ kind: 'lose', event: 'push' })
    const lost = await push('1')
    await control.webhookFault({ kind: 'duplicate', event: 'push' })
    const doubled = await push('2')
    await control.webhookFault({ kind: 'bad_signature', event: 'push' })
    const falsified = await push('3')
    await control.delivered()
    const pushesOf = (sha: string): ReceivedWebhook[] =>
      receiver.received.filter(({ event, payload }) => event === 'push' && payload['after'] === sha)
    expect(pushesOf(lost)).toEqual([])
    expect(pushesOf(doubled).map(({ genuine }) => genuine)).toEqual([true, true])
    expect(new Set(pushesOf(doubled).map(({ guid }) => guid)).size).toBe(1)
    expect(pushesOf(falsified).map(({ genuine }) => genuine)).toEqual([false])
    const unseen = (await control.deliveries()).filter(({ event, statusCode }) => event === 'push' && statusCode === 0)
    expect(unseen).toMatchObject([{ status: 'Failed to connect to host', payload: { after: lost } }])

    receiver.received.length = 0
    await control.webhookFault({ kind: 'hold', event: 'push', times: 2 })
    const held = [await push('4'), await push('5')]
    await control.delivered()
    expect(receiver.received.filter(({ event }) => event === 'push')).toEqual([])
    await control.releaseHeld('last')
    await control.delivered()
    expect(
      receiver.received
        .filter(({ event }) => event === 'push')
        .map(({ payload }) => payload['after'])
        .sort(),
    ).toEqual(held.sort())
  })
})
