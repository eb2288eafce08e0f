/** Payloads as GitHub sends them become Slipway's own events, or nothing. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ROUTES, type HandledEvent } from '../../../src/app/routes.ts'
import type { SlipwayEvent } from '../../../src/core/events.ts'

const APP_ID = 7

function translate(name: HandledEvent, payload: unknown): SlipwayEvent | null {
  const route: (payload: unknown, appId: number | null) => SlipwayEvent | null = ROUTES[name]
  return route(payload, APP_ID)
}

const SHA = 'a'.repeat(40)
const NONE = '0'.repeat(40)
const repository = {
  id: 1,
  name: 'web',
  full_name: 'acme/web',
  private: false,
  default_branch: 'main',
  clone_url: 'https://github.example/acme/web.git',
  html_url: 'https://github.example/acme/web',
}
const common = { repository, installation: { id: 9 }, sender: { login: 'ada' } }
const push = {
  ref: 'refs/heads/main',
  before: 'b'.repeat(40),
  after: SHA,
  created: false,
  deleted: false,
  forced: false,
  head_commit: { id: SHA, tree_id: 'c'.repeat(40), message: 'work' },
  ...common,
}
const pull = {
  number: 3,
  title: 'Change',
  draft: false,
  user: { login: 'eve' },
  head: { sha: SHA, ref: 'patch', repo: { id: 1, full_name: 'acme/web' } },
  base: { sha: 'b'.repeat(40), ref: 'main' },
}

describe('a push', () => {
  it.each([
    [
      'to a branch',
      push,
      {
        kind: 'branch_pushed',
        branch: 'main',
        sha: SHA,
        before: 'b'.repeat(40),
        treeSha: 'c'.repeat(40),
        actor: 'ada',
      },
    ],
    [
      'of a new branch with slashes and signs',
      { ...push, ref: 'refs/heads/a/$(b)', before: NONE, created: true },
      { branch: 'a/$(b)', before: null },
    ],
    [
      'that deletes a branch',
      { ...push, deleted: true, after: NONE, head_commit: null },
      { kind: 'branch_deleted', branch: 'main' },
    ],
    ['of a tag', { ...push, ref: 'refs/tags/v1' }, { kind: 'tag_pushed', tag: 'v1', sha: SHA }],
    [
      'that deletes a tag',
      { ...push, ref: 'refs/tags/v1', deleted: true, head_commit: null },
      { kind: 'tag_deleted', tag: 'v1' },
    ],
    [
      'of which the head commit is another one',
      { ...push, head_commit: { ...push.head_commit, id: 'd'.repeat(40) } },
      { treeSha: null },
    ],
  ])('%s', (_words, payload, event) => {
    expect(translate('push', payload)).toMatchObject(event)
  })

  it('of the merge queue’s branch, or of something that is no branch, is nothing to us', () => {
    expect(translate('push', { ...push, ref: 'refs/heads/gh-readonly-queue/main/pr-1-abc' })).toBeNull()
    expect(translate('push', { ...push, ref: 'refs/notes/x' })).toBeNull()
  })

  it('without an installation is refused as not understood', () => {
    expect(() => translate('push', { ...push, installation: undefined })).toThrow(z.ZodError)
  })
})

describe('a pull request', () => {
  it.each(['opened', 'synchronize', 'reopened', 'ready_for_review', 'edited'])(
    'that was %s has a head to be checked',
    (action) => {
      expect(translate('pull_request', { action, pull_request: pull, ...common })).toMatchObject({
        kind: 'pull_request_changed',
        pullRequest: { number: 3, headSha: SHA, isFork: false, author: 'eve' },
      })
    },
  )

  it('of another repository, or of one that is gone, is a fork’s', () => {
    for (const repo of [{ id: 2, full_name: 'eve/web' }, null]) {
      const payload = { action: 'opened', pull_request: { ...pull, head: { ...pull.head, repo } }, ...common }
      expect(translate('pull_request', payload)).toMatchObject({
        pullRequest: { isFork: true, headRepository: repo?.full_name ?? null },
      })
    }
  })

  it('that was labelled is nothing to us', () => {
    expect(translate('pull_request', { action: 'labeled', pull_request: pull, ...common })).toBeNull()
  })
})

describe('checks', () => {
  const run = { head_sha: SHA, external_id: 'run-1', app: { id: APP_ID } }

  it('of ours are re-run and their buttons are pressed', () => {
    expect(translate('check_run', { action: 'rerequested', check_run: run, ...common })).toMatchObject({
      kind: 'rerun_requested',
      runId: 'run-1',
      actor: 'ada',
    })
    const pressed = {
      action: 'requested_action',
      check_run: run,
      requested_action: { identifier: 'cancel' },
      ...common,
    }
    expect(translate('check_run', pressed)).toMatchObject({ kind: 'button_pressed', button: 'cancel' })
    expect(
      translate('check_suite', {
        action: 'rerequested',
        check_suite: { head_sha: SHA, app: { id: APP_ID } },
        ...common,
      }),
    ).toMatchObject({ runId: null })
  })

  it('of other apps are not our business', () => {
    expect(
      translate('check_run', { action: 'rerequested', check_run: { ...run, app: { id: 8 } }, ...common }),
    ).toBeNull()
    expect(
      translate('check_suite', { action: 'rerequested', check_suite: { head_sha: SHA, app: { id: 8 } }, ...common }),
    ).toBeNull()
    expect(
      translate('check_suite', { action: 'requested', check_suite: { head_sha: SHA, app: { id: APP_ID } }, ...common }),
    ).toBeNull()
  })
})

describe('installations and repositories', () => {
  it('come, sleep and go', () => {
    const installation = { id: 9, account: { login: 'acme' }, permissions: { checks: 'write' } }
    expect(translate('installation', { action: 'suspend', installation })).toMatchObject({
      kind: 'installation_changed',
      change: 'suspended',
      account: 'acme',
    })
    expect(translate('installation', { action: 'invented', installation })).toBeNull()
    const removed = [{ id: 1, full_name: 'acme/web' }]
    expect(
      translate('installation_repositories', { installation: { id: 9 }, repositories_removed: removed }),
    ).toMatchObject({ removed: [{ id: 1, owner: 'acme', name: 'web' }] })
  })

  it('take no action’s name from an object’s own properties', () => {
    expect(translate('repository', { action: 'toString', ...common })).toBeNull()
    expect(translate('repository', { action: '__proto__', ...common })).toBeNull()
    expect(translate('repository', { action: 'renamed', ...common })).toMatchObject({
      kind: 'repository_changed',
      change: 'renamed',
    })
  })
})
