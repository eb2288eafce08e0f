import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SimulatedApp } from './simulated-app.ts'
import { startSimulatedApp } from './simulated-app.ts'

describe('check runs on the simulated GitHub', () => {
  let simulated: SimulatedApp
  const at = { owner: 'alice', repo: 'shop' }
  const fullName = 'alice/shop'

  beforeAll(async () => {
    simulated = await startSimulatedApp()
    await simulated.control.createRepository({ owner: 'alice', name: 'shop', files: { 'README.md': 'hello\n' } })
  })
  afterAll(() => simulated.close())

  it('keeps every state a check run was in, and announces its end', async () => {
    const { control, receiver } = simulated
    const sha = await control.commit(fullName, { branch: 'work', files: { a: '1' } })
    const octokit = await simulated.installed('alice')
    const { data: run } = await octokit.rest.checks.create({
      ...at,
      name: 'deployability',
      head_sha: sha,
      external_id: '1',
    })
    await octokit.rest.checks.update({ ...at, check_run_id: run.id, status: 'in_progress' })
    const output = {
      title: 'Built',
      summary: 'all well',
      annotations: [{ path: 'a', start_line: 1, end_line: 1, annotation_level: 'warning' as const, message: 'hm' }],
    }
    await octokit.rest.checks.update({ ...at, check_run_id: run.id, conclusion: 'success', output })

    const [shown] = await control.checkRuns(fullName, sha)
    expect(shown?.history.map(({ status, conclusion }) => [status, conclusion])).toEqual([
      ['queued', null],
      ['in_progress', null],
      ['completed', 'success'],
    ])
    expect(shown?.annotations).toMatchObject([{ path: 'a', message: 'hm' }])
    await control.delivered()
    expect(
      receiver.received
        .filter(({ event }) => event.startsWith('check_'))
        .map(({ event, payload }) => `${event}.${String(payload['action'])}`)
        .toSorted(),
    ).toEqual(['check_run.completed', 'check_run.created', 'check_suite.completed', 'check_suite.requested'])
    expect(receiver.received.every(({ genuine }) => genuine)).toBe(true)
    expect((await control.report()).problems).toEqual([])
  })

  it('puts all runs of a commit into one suite and lists the newest of each name', async () => {
    const { control } = simulated
    const sha = await control.commit(fullName, { branch: 'suite', files: { a: '2' } })
    const octokit = await simulated.installed('alice')
    for (const attempt of ['1', '2'])
      await octokit.rest.checks.create({
        ...at,
        name: 'stage',
        head_sha: sha,
        external_id: attempt,
        conclusion: attempt === '1' ? 'failure' : 'success',
      })
    const { data: suites } = await octokit.rest.checks.listSuitesForRef({ ...at, ref: 'suite' })
    expect(suites.check_suites).toMatchObject([
      { head_sha: sha, status: 'completed', conclusion: 'success', head_branch: 'suite' },
    ])
    expect(
      (await octokit.rest.checks.listForRef({ ...at, ref: sha })).data.check_runs.map(({ external_id }) => external_id),
    ).toEqual(['2'])
    expect((await octokit.rest.checks.listForRef({ ...at, ref: sha, filter: 'all' })).data.total_count).toBe(2)
  })

  it('sends the button and both ways of asking again', async () => {
    const { control, receiver } = simulated
    const sha = await control.commit(fullName, { branch: 'buttons', files: { a: '3' } })
    const octokit = await simulated.installed('alice')
    const actions = [{ label: 'Cancel', description: 'Stop it', identifier: 'cancel' }]
    const { data: run } = await octokit.rest.checks.create({ ...at, name: 'stage', head_sha: sha, actions })
    await control.press(run.id, 'cancel', 'bob')
    await expect(control.press(run.id, 'explode', 'bob')).rejects.toThrow('no button')
    await control.rerunCheck(run.id, 'bob')
    await control.rerunSuite(run.check_suite?.id ?? 0, 'carol')
    await control.delivered()
    const pressed = receiver.received.find(({ payload }) => payload['action'] === 'requested_action')
    expect(pressed?.payload).toMatchObject({
      requested_action: { identifier: 'cancel' },
      sender: { login: 'bob' },
      check_run: { id: run.id },
    })
    expect(
      receiver.received
        .filter(({ payload }) => payload['action'] === 'rerequested')
        .map(({ event }) => event)
        .sort(),
    ).toEqual(['check_run', 'check_suite'])
  })

  it('refuses what GitHub refuses, and reports what contributors would suffer from', async () => {
    const { control } = simulated
    const sha = await control.commit(fullName, { branch: 'wrong', files: { a: '4' } })
    const octokit = await simulated.installed('alice')
    const create = (more: object) =>
      octokit.rest.checks.create({ ...at, name: 'x', head_sha: sha, external_id: '7', ...more })
    await expect(create({ head_sha: '0'.repeat(40) })).rejects.toMatchObject({ status: 422 })
    const annotation = { path: 'a', start_line: 1, end_line: 1, annotation_level: 'notice', message: 'm' }
    await expect(
      create({ output: { title: 't', summary: 's', annotations: Array.from({ length: 51 }, () => annotation) } }),
    ).rejects.toMatchObject({ status: 422 })
    await expect(create({ output: { title: 't', summary: 's'.repeat(65_536) } })).rejects.toMatchObject({ status: 422 })
    await expect(
      create({ actions: [{ label: 'a label of more than twenty', description: 'd', identifier: 'i' }] }),
    ).rejects.toMatchObject({ status: 422 })
    await expect(
      create({ actions: [{ label: 'l', description: 'd'.repeat(41), identifier: 'i' }] }),
    ).rejects.toMatchObject({ status: 422 })
    await expect(create({ status: 'completed' })).rejects.toMatchObject({ status: 422 })
    const { data: run } = await create({ conclusion: 'success' })
    await octokit.rest.checks.update({ ...at, check_run_id: run.id, status: 'in_progress' })
    await create({})
    expect((await octokit.rest.checks.get({ ...at, check_run_id: run.id })).data.status).toBe('completed')
    const { problems } = await control.report()
    expect(problems.map(({ kind }) => kind)).toEqual([
      ...Array.from({ length: 4 }, () => 'request-schema'),
      'limits',
      'lifecycle',
      'duplicate-check',
    ])
  })
})
