import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Hono } from 'hono'
import { WebSocket } from 'ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFolderBlobStore } from '../../../src/blobs/folder-blob-store.ts'
import { parseRepositoryConfig } from '../../../src/config/parse-repository-config.ts'
import { defaultLimits } from '../../../src/config/repository-policy.ts'
import { createYamlParser } from '../../../src/config/yaml-parser.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { secretOf } from '../../../src/core/secret.ts'
import { connectDockerHost } from '../../../src/docker/connect-host.ts'
import { createStageHost } from '../../../src/docker/stage-host.ts'
import { sweepOwned } from '../../../src/docker/sweep.ts'
import { stageHandler } from '../../../src/flow/perform-stage.ts'
import { STAGE_JOB, stageJob } from '../../../src/flow/plan-stages.ts'
import { cancelRun } from '../../../src/flow/supersede.ts'
import { createCheckouts, localMirrorId } from '../../../src/git/checkouts.ts'
import { gitMirrors } from '../../../src/git/mirror.ts'
import { commitSource } from '../../../src/git/workspace-archive.ts'
import { createAuthenticate } from '../../../src/http/authenticate.ts'
import { errorResponse } from '../../../src/http/error-response.ts'
import { createLogUpgrade } from '../../../src/http/log-upgrade.ts'
import { admitToLog, runnerApi, type RunnerApiDeps } from '../../../src/http/runner-api.ts'
import { startHttpServer, type HttpServer } from '../../../src/http/server.ts'
import { createFolderRunLogs } from '../../../src/logs/folder-run-logs.ts'
import { settleGroup } from '../../../src/pipeline/index.ts'
import { startWorker, type Worker } from '../../../src/queue/worker.ts'
import { queuedCheck, skippedCheck, cancelledCheck } from '../../../src/report/run-words.ts'
import { stageEnd, stageInLine, stageProgress } from '../../../src/report/stage-words.ts'
import { createArtifactStore } from '../../../src/store/artifacts.ts'
import { createCacheStore } from '../../../src/store/caches.ts'
import { openDatabase, sql, type Database } from '../../../src/store/database.ts'
import { createJobStore, JOBS_CHANNEL } from '../../../src/store/jobs.ts'
import { startNotifications, type Notifications } from '../../../src/store/notifications.ts'
import { createRepositoryStore } from '../../../src/store/repositories.ts'
import { createRunnerAccess } from '../../../src/store/runner-access.ts'
import { createRunStore } from '../../../src/store/runs.ts'
import { createTokenStore } from '../../../src/store/tokens.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'

const git = promisify(execFile)
const ADMIN = 'the-admin-token'
const MANIFEST = `version: 1
pipeline:
  on: {push: {}}
  image: busybox:latest
  stages:
    build:
      artifacts: {paths: ["out/**"], when: always}
      cache: [{key: "k", paths: [deps]}]
      steps: [{name: make, commands: ["mkdir -p out deps", "cat given > out/a.bin", "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done"]}]
    slow:
      steps: [{name: wait, commands: ["echo going", "sleep 300"]}]
    broken:
      failure: ignore
      steps: [{name: no, commands: ["exit 9"]}]
`

let folder = ''
let testDatabase: TestDatabase
let db: Database
let notifications: Notifications
let worker: Worker
let server: HttpServer
let url = ''
let token = ''
const instance = `test-${randomUUID().slice(0, 8)}`
const docker = connectDockerHost({ name: 'local', endpoint: 'unix:///var/run/docker.sock' })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-runner-'))
  await repository('shop', { '.github/slipway.yml': MANIFEST, given: 'some bytes\n' })
  testDatabase = await createTestDatabase()
  db = openDatabase({ url: testDatabase.url }, silentLogger, 8)
  notifications = await startNotifications(db, silentLogger)
  const runs = createRunStore(db, notifications)
  const repositories = createRepositoryStore(db)
  const tokens = createTokenStore(db)
  const access = createRunnerAccess(db)
  const logs = createFolderRunLogs({ folder: join(folder, 'logs'), now: Date.now, logger: silentLogger })
  const mirrors = gitMirrors(join(folder, 'mirrors'), { allowFileProtocol: true })
  const caches = createCacheStore(db)
  const artifacts = createArtifactStore(db)
  const artifactBlobs = createFolderBlobStore(join(folder, 'artifacts'))
  const hosts = [{ name: 'local', platforms: ['linux/amd64'], maxConcurrent: 4 }]
  const jobOf = (plan: Parameters<typeof stageJob>[0]) => stageJob(plan, hosts, 4)
  const settle = (groupId: string) =>
    settleGroup(
      { runs, jobOf, words: { queued: queuedCheck, skipped: skippedCheck, cancelled: cancelledCheck } },
      groupId,
    )

  const deps: RunnerApiDeps = {
    authenticate: createAuthenticate({
      findByHash: (hash) => tokens.findByHash(hash),
      adminToken: secretOf(ADMIN),
      poolToken: null,
      now: Date.now,
    }),
    access,
    runs,
    logs,
    artifacts,
    artifactBlobs,
    checkouts: createCheckouts({
      root: join(folder, 'root'),
      mirrors,
      async keepRepository(one) {
        await repositories.keep(one)
        await repositories.remove([one.id])
      },
    }),
    parseManifest: (text) => parseRepositoryConfig(createYamlParser(), text, '.github/slipway.yml'),
    policyOf: () => ({
      pattern: null,
      buildHosts: ['local'],
      deployHosts: [],
      deployBranches: [],
      pools: [],
      forkPullRequests: 'approve',
      maxConcurrent: 4,
      limits: defaultLimits(),
      freeze: [],
      requireApproval: [],
      secrets: {},
    }),
    jobOf,
    queuedCheck,
    newId: randomUUID,
    clearCaches: async (filter) => caches.clear(filter),
    cancelRun: (run, actor) => cancelRun(runs, run, { reason: 'cancelled', words: `cancelled by ${actor}`, by: actor }),
    rerun: async () => null,
    async issueRunnerToken(organization, actor) {
      const issued = await tokens.issue(
        { name: `runner ${organization}`, scope: 'runner', pools: null, organization, ttlMs: null },
        actor,
      )
      return { id: issued.record.id, token: issued.token }
    },
    ticketKey: secretOf('a key of the test'),
    baseUrl: 'http://slipway.test',
    version: { version: '0.1.0', commit: '7ecdd3b' },
    now: Date.now,
  }
  const app = new Hono()
  app.onError((error, context) => errorResponse(context, error, silentLogger))
  app.route('/', runnerApi(deps))
  server = await startHttpServer(
    {
      webhookPath: '/api/github/webhooks',
      onWebhook: async (_request, response) => void response.end(),
      fetch: (request, env) => app.fetch(request, env),
      onUpgrade: createLogUpgrade({
        logs,
        runOf: (id) => runs.get(id),
        admit: (request) => admitToLog(deps, request),
        baseUrl: deps.baseUrl,
        logger: silentLogger,
      }),
    },
    0,
    '127.0.0.1',
  )
  url = `http://127.0.0.1:${server.port}`
  worker = startWorker({
    processId: randomUUID(),
    store: createJobStore(db),
    handlers: {
      [STAGE_JOB]: stageHandler(
        { runs, repositories, detailsUrl: (id) => `/runs/${id}`, startedCheck: (run) => queuedCheck(run.name) },
        {
          runs,
          logs,
          caches,
          cacheBlobs: createFolderBlobStore(join(folder, 'caches')),
          artifacts,
          artifactBlobs,
          clock: systemClock,
          hostOf: () => createStageHost({ engine: docker.engine, instance, logins: undefined }),
          openSource: async (one, sha) => commitSource(mirrors.gitDir(localMirrorId(one.id)), sha),
          secretsOf: async () => ({}),
          instances: {
            request: async () => ({ kind: 'refused', message: 'no pools here' }),
            release: async () => undefined,
          },
          words: { progress: stageProgress, end: stageEnd, inLine: stageInLine },
          settle,
          logger: silentLogger,
        },
      ),
    },
    lanes: [{ name: 'runs', kinds: [STAGE_JOB], concurrency: 4 }],
    subscribe: (wake) => notifications.subscribe(JOBS_CHANNEL, wake),
    clock: systemClock,
    random: Math.random,
    logger: silentLogger,
  })
})

afterAll(async () => {
  await worker.stop(1000)
  await server.stop(0)
  await sweepOwned(docker.engine, { instance }, () => false)
  docker.close()
  await notifications.stop()
  await db.close()
  await testDatabase.drop()
  await rm(folder, { recursive: true, force: true })
})

async function repository(name: string, files: Readonly<Record<string, string>>): Promise<void> {
  const path = join(folder, 'root', name)
  await mkdir(path, { recursive: true })
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, file)), { recursive: true })
    await writeFile(join(path, file), text)
  }
  const run = (...args: string[]) =>
    git('git', ['-C', path, '-c', 'user.name=Mona', '-c', 'user.email=mona@example.com', ...args])
  await run('init', '-q', '-b', 'main')
  await run('add', '-A')
  await run('commit', '-q', '-m', 'first')
}

/** What the answers of all routes may hold. */
interface Body {
  readonly runId: string
  readonly status: string
  readonly logs: string
  readonly artefacts: readonly { readonly id: string }[]
  readonly error: { readonly field: string; readonly message: string }
  readonly registration: { readonly token: string }
  readonly nonce: string
  readonly token: string
  readonly ticket: string
}

async function call(
  method: string,
  path: string,
  options: { body?: unknown; as?: string; headers?: Record<string, string> } = {},
) {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: {
      accept: 'application/json',
      authorization: `Bearer ${options.as ?? token}`,
      'content-type': 'application/json',
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, text, json: (): Body => JSON.parse(text) }
}

const trigger = (stageId: string, more: object = {}) =>
  call('POST', '/trigger', {
    body: {
      pipelineId: 'p-1',
      orgId: 'acme',
      repoId: 'shop',
      gitRepoDir: join(folder, 'root', 'shop'),
      stageId,
      ...more,
    },
  })

async function settled(stageId: string, runId: string): Promise<Body> {
  for (;;) {
    const answer = (await call('GET', `/stage/${stageId}?runId=${runId}`)).json()
    if (!['PENDING', 'RUNNING'].includes(answer.status)) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe("the runner's API", () => {
  it('registers a runner by a nonce that works once', async () => {
    const nonce = await call('POST', '/api/v1/runners/nonces', { body: { organization: 'acme' }, as: ADMIN })
    expect(nonce.status).toBe(201)
    const register = () =>
      fetch(`${url}/api/v1/runners`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ nonce: nonce.json().nonce }),
      })
    const first = await register()
    expect(first.status).toBe(201)
    token = ((await first.json()) as { token: string }).token
    expect((await register()).status).toBe(401)
    expect((await call('GET', '/runner/version')).json()).toEqual({ version: '0.1.0', commit: '7ecdd3b' })
    expect((await call('GET', '/runner/config')).json()).toMatchObject({
      registration: { token },
      defaultImage: 'alpine:latest',
      defaultTimeout: 900,
      successExit: [0],
    })
    expect((await call('GET', '/runner/config', { as: ADMIN })).json().registration.token).toBe('***')
    expect((await call('GET', '/runner/version', { as: 'wrong' })).status).toBe(401)
  })

  it('runs a stage and answers with the exact keys', async () => {
    const answer = await trigger('build')
    expect(answer.status).toBe(200)
    const { runId } = answer.json()
    expect(answer.json()).toEqual({ pipelineId: 'p-1', runId, stageId: 'build', status: 'PENDING' })
    expect(answer.headers.get('location')).toBe(`/run/${runId}`)
    expect(await settled('build', runId)).toEqual({
      pipelineId: 'p-1',
      runId,
      stageId: 'build',
      status: 'SUCCESS',
      reason: null,
    })
    expect((await call('GET', '/stage/build')).json().runId).toBe(runId)
    const logs = (await call('GET', '/stage/build/logs')).json()
    expect(Object.keys(logs)).toEqual(['pipelineId', 'runId', 'stageId', 'logs'])
    expect(logs.logs).toContain('line 1\nline 2\n')
    const list = (await call('GET', `/run/${runId}/artifacts`)).json()
    const sha256 = createHash('sha256').update('some bytes\n').digest('hex')
    const id = list.artefacts[0]?.id
    expect(list).toEqual({
      pipelineId: 'p-1',
      runId,
      stageId: 'build',
      artefacts: [{ id, name: 'a.bin', path: 'out/a.bin', size: 11, sha256 }],
    })
    expect((await call('GET', `/run/${runId}/artefacts`)).json()).toEqual(list)
    const bytes = `/run/${runId}/artifacts/${id}`
    const whole = await call('GET', bytes)
    expect([whole.text, whole.headers.get('etag'), whole.headers.get('content-length')]).toEqual([
      'some bytes\n',
      `"${sha256}"`,
      '11',
    ])
    const part = await call('GET', bytes, { headers: { range: 'bytes=5-8' } })
    expect([part.status, part.text, part.headers.get('content-range')]).toEqual([206, 'byte', 'bytes 5-8/11'])
    expect((await call('GET', bytes, { headers: { range: 'bytes=11-' } })).status).toBe(416)
    expect((await call('GET', bytes, { headers: { 'if-none-match': `"${sha256}"` } })).status).toBe(304)
    const head = await call('HEAD', bytes)
    expect([head.text, head.headers.get('content-length')]).toEqual(['', '11'])
    expect((await call('POST', '/cache/reset', { body: { stage: 'build' } })).json()).toMatchObject({ cleared: 1 })
    expect((await call('POST', '/cache/reset')).json()).toMatchObject({ cleared: 0, bytes: 0 })
  })

  it('reads the same log in every way, from any line on', async () => {
    const { runId } = (await trigger('build')).json()
    const following = call('GET', `/stage/build/logs?stream=http&runId=${runId}`)
    await settled('build', runId)
    const text = (await following).text
    expect((await call('GET', `/api/v1/runs/${runId}/logs`)).text).toBe(text)
    expect((await call('GET', '/stage/build/logs')).json().logs).toBe(text)
    const lines = text.split('\n').slice(0, -1)
    expect((await call('GET', `/api/v1/runs/${runId}/logs?from=5`)).text).toBe(`${lines.slice(4).join('\n')}\n`)
    const ndjson = (await call('GET', `/api/v1/runs/${runId}/logs?format=ndjson`)).text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(ndjson.map((line) => line.text)).toEqual(lines)
    expect(ndjson.map((line) => line.n)).toEqual(lines.map((_line, index) => index + 1))

    const sse = (
      await call('GET', `/stage/build/logs?stream=sse&runId=${runId}`, { headers: { 'last-event-id': '4' } })
    ).text
    const events = sse.split('\n\n').filter((event) => event.includes('event: log'))
    expect(events.map((event) => JSON.parse(event.split('data: ')[1] ?? '').text)).toEqual(lines.slice(4))
    expect(events[0]).toMatch(/^id: 5\n/)
    expect(sse).toContain('event: end\ndata: {"end":true,"status":"SUCCESS"}')

    const { ticket } = (await call('POST', `/stage/build/logs/ticket?runId=${runId}`)).json()
    const messages = await websocket(`/stage/build/logs?stream=ws&runId=${runId}&ticket=${ticket}`, {
      'last-event-id': '7',
    })
    expect(messages.slice(0, -1).map((message) => message.text)).toEqual(lines.slice(7))
    expect(messages.at(-1)).toEqual({ end: true, status: 'SUCCESS' })
    await expect(websocket(`/stage/build/logs?runId=${runId}&ticket=${ticket}x`)).rejects.toThrow('401')
    await expect(
      websocket(`/stage/build/logs?runId=${runId}&ticket=${ticket}`, { origin: 'http://evil.test' }),
    ).rejects.toThrow('403')
    expect((await call('GET', `/api/v1/runs/${runId}/logs?from=x`)).status).toBe(422)
  })

  it('cancels for good and tells tolerated failures apart', async () => {
    const { runId } = (await trigger('slow')).json()
    const reader = await fetch(`${url}/stage/slow/logs?stream=http&runId=${runId}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    for await (const chunk of reader.body ?? []) if (Buffer.from(chunk).includes('going')) break
    expect((await call('POST', `/run/${runId}/cancel`)).status).toBe(200)
    expect(await settled('slow', runId)).toMatchObject({ status: 'CANCELED' })
    expect((await call('POST', `/run/${runId}/cancel`)).status).toBe(409)
    const broken = (await trigger('broken')).json()
    expect(await settled('broken', broken.runId)).toMatchObject({ status: 'PASSED', reason: 'ignored' })
  })

  it('starts nothing for a request that is wrong, and says what is', async () => {
    const before = await db.first<{ n: string }>(sql`select count(*) as n from runs`)
    const outside = await mkdtemp(join(tmpdir(), 'slipway-outside-'))
    await symlink(outside, join(folder, 'root', 'link'))
    await repository('empty', { readme: 'no manifest' })
    await repository('wrong', {
      '.github/slipway.yml':
        'version: 1\npipeline:\n  stages:\n    a: {depends_on: [a], steps: [{image: x, commands: [y]}]}\n',
    })
    await repository('huge', { '.github/slipway.yml': `version: 1\n# ${'x'.repeat(10 * 1024 * 1024)}\n` })
    const at = (gitRepoDir: string) => trigger('build', { gitRepoDir })
    for (const key of ['pipelineId', 'orgId', 'repoId', 'gitRepoDir', 'stageId']) {
      const answer = await trigger('build', { [key]: undefined })
      expect([answer.status, answer.json().error.field]).toEqual([400, key])
    }
    const answers = {
      outside: await at(outside),
      link: await at(join(folder, 'root', 'link')),
      dots: await at(join(folder, 'root', 'shop', '..', '..')),
      nowhere: await at('/no/such/folder'),
      empty: await at(join(folder, 'root', 'empty')),
      wrong: await at(join(folder, 'root', 'wrong')),
      huge: await at(join(folder, 'root', 'huge')),
      unknown: await trigger('nothing'),
      stranger: await trigger('build', { orgId: 'other' }),
    }
    expect(Object.fromEntries(Object.entries(answers).map(([name, { status }]) => [name, status]))).toEqual({
      outside: 422,
      link: 422,
      dots: 422,
      nowhere: 422,
      empty: 422,
      wrong: 422,
      huge: 422,
      unknown: 422,
      stranger: 403,
    })
    expect(answers.wrong.json().error.message).toMatch(/slipway\.yml:4:\d+/)
    expect(answers.unknown.json().error.message).toContain('has no stage nothing; it has build, slow, broken')
    expect(
      (await call('POST', '/trigger', { headers: { 'content-type': 'application/json' }, body: 'text' })).status,
    ).toBe(400)
    expect(await db.first(sql`select count(*) as n from runs`)).toEqual(before)
    await rm(outside, { recursive: true })
  })

  it('hides the runs of other organisations', async () => {
    const { runId } = (await trigger('build')).json()
    await settled('build', runId)
    const nonce = await call('POST', '/api/v1/runners/nonces', { body: { organization: 'rival' }, as: ADMIN })
    const rival = (await call('POST', '/api/v1/runners', { body: { nonce: nonce.json().nonce } })).json().token
    for (const path of [
      `/run/${runId}`,
      `/run/${runId}/artifacts`,
      `/stage/build`,
      `/stage/build/logs`,
      `/api/v1/runs/${runId}/logs`,
    ]) {
      expect((await call('GET', path, { as: rival })).status).toBe(404)
    }
    expect((await call('GET', '/runs', { as: rival })).json()).toEqual({ runs: [] })
    expect((await call('GET', `/run/${runId}`, { as: ADMIN })).status).toBe(200)
  })
})

function websocket(path: string, headers: Record<string, string> = {}): Promise<{ readonly text?: string }[]> {
  return new Promise((resolve, reject) => {
    const messages: { readonly text?: string }[] = []
    const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, { headers })
    socket.on('message', (data) => messages.push(JSON.parse(String(data))))
    socket.on('close', () => resolve(messages))
    socket.on('error', reject)
  })
}
