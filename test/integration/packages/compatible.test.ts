import { execFile } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RepositoryRef } from '../../../src/core/events.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { openWorld, shellPackage, type World } from './package-world.ts'
import { AUTHORIZED, CALLBACK_SECRET, serveWorld } from './serve-world.ts'

const run = promisify(execFile)

/** What the package client does, by the same tools: compile, take the name from git, pack. */
const ERLANG = shellPackage({
  key: 'mylib',
  matrix: { axes: { erl_version: ['25'] }, exclude: [], failFast: false },
  image: 'slipway-test/erlang:${erl_version}',
  commands: [
    'mkdir -p ebin',
    'erlc -o ebin src/*.erl',
    'git describe --tags --exact-match > tag',
    'git config remote.origin.url > url',
    `python3 -c "import json; c=json.load(open('enot_config.json')); c.update(tag=open('tag').read().strip(), url=open('url').read().strip()); json.dump(c, open('enot_config.json','w'))"`,
    'tar -cf mylib.ep ebin src enot_config.json',
  ],
  artifact: 'mylib.ep',
  dependencies: 'enot_config.json',
  resources: { memoryBytes: 512 * 2 ** 20, cpus: 2, pids: 256 },
})

let database: TestDatabase
let world: World
let server: Awaited<ReturnType<typeof serveWorld>>
let lib: RepositoryRef
let hidden: RepositoryRef

beforeAll(async () => {
  database = await createTestDatabase()
  world = await openWorld({ databaseUrl: database.url })
  server = await serveWorld(world)
  const source = (name: string) => ({ [`src/${name}.erl`]: `-module(${name}).\n-export([x/0]).\nx() -> ok.\n` })
  const deps = [
    { name: 'dep', fullname: 'acme/dep', tag: '0.1.0' },
    { name: 'mylib', fullname: 'acme/mylib', tag: '1.0.0' },
    { name: 'none', fullname: 'acme/none', tag: '1' },
  ]
  const dep = await world.repository(
    'dep',
    {
      ...source('dep'),
      'enot_config.json': JSON.stringify({ name: 'dep', deps: [{ fullname: 'acme/mylib', tag: '1.0.0' }] }),
    },
    {
      dep: {
        ...ERLANG,
        key: 'dep',
        commands: ERLANG.commands.map((command) => command.replace('mylib.ep', 'dep.ep')),
        artifact: 'dep.ep',
      },
    },
  )
  await world.tagOnly(dep, '0.1.0')
  lib = await world.repository(
    'mylib',
    { ...source('mylib'), 'enot_config.json': JSON.stringify({ name: 'mylib', deps }) },
    { mylib: ERLANG },
  )
  await world.tag(lib, '1.0.0')
  hidden = await world.repository(
    'hidden',
    { 'src/x': 'for our eyes' },
    { hidden: shellPackage({ key: 'hidden' }) },
    { isPrivate: true },
  )
  await world.tag(hidden, 'v1')
  const several = await world.repository(
    'several',
    { 'src/x': 'x' },
    { one: shellPackage({ key: 'one' }), bad: shellPackage({ key: 'bad', commands: ['exit 4'] }) },
  )
  await world.tag(several, 'v1')
  const only = await world.repository('only', { 'src/x': 'x' }, { core: shellPackage({ key: 'core' }) })
  await world.tag(only, 'v1.9.0')
  await world.tag(only, 'v1.10.0')
  await world.settled()
}, 240_000)

afterAll(async () => {
  await server.stop()
  await world.close()
  await database.drop()
})

const json = async (response: Response): Promise<unknown> => response.json()
const wrapper = (response: unknown, result = true) => ({ result, response })

describe('the client of the package system', () => {
  it('finds the versions of an Erlang package, and its Erlang versions with an object for a list', async () => {
    const row = { version_id: expect.any(String), ref: '1.0.0', erl_version: '25', builds: null }
    expect(await json(await server.post('/versions', { full_name: 'acme/mylib' }))).toEqual(wrapper([row]))
    expect(await json(await server.post('/versions', { full_name: 'acme/mylib', versions: { ref: '1.0.0' } }))).toEqual(
      wrapper([row]),
    )
    expect(await json(await server.post('/versions', { full_name: 'acme/nothing' }))).toEqual(wrapper([]))
  })

  it('fetches the package that the real compiler made, with the name and tag it needs inside', async () => {
    const response = await server.post('/get', {
      full_name: 'acme/mylib',
      versions: [{ ref: '1.0.0', erl_version: '25' }],
    })
    expect([
      response.status,
      response.headers.get('content-type'),
      response.headers.get('content-disposition'),
    ]).toEqual([200, 'application/gzip', 'attachment; filename="mylib.ep"'])
    const bytes = Buffer.from(await response.arrayBuffer())
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect(response.headers.get('etag')).toBe(`"${sha256}"`)
    expect(await (await server.get(`/api/v1/artifacts/${sha256}.sha256`)).text()).toBe(`${sha256}  mylib.ep\n`)

    const folder = await mkdtemp(join(tmpdir(), 'slipway-ep-'))
    try {
      await writeFile(join(folder, 'a.ep'), bytes)
      await run('tar', ['-xf', 'a.ep'], { cwd: folder })
      const config: unknown = JSON.parse(await readFile(join(folder, 'enot_config.json'), 'utf8'))
      expect(config).toMatchObject({ name: 'mylib', tag: '1.0.0', url: 'https://github.com/acme/mylib' })
      expect((await readFile(join(folder, 'ebin/mylib.beam'))).subarray(0, 4).toString()).toBe('FOR1')
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('finds the dependency built as well, once, although it depends on its user', async () => {
    expect(await json(await server.get('/search?name=dep'))).toMatchObject(
      wrapper([{ namespace: 'acme', name: 'dep', success: true, version: '0.1.0', erl_version: '25' }]),
    )
    const builds = (await world.builds()).filter((build) => ['dep', 'mylib'].includes(build.package.name))
    expect(builds.map((build) => build.package.name).toSorted()).toEqual(['dep', 'mylib'])
    const mylib = builds.find((build) => build.package.name === 'mylib')
    expect((await world.runs.story(mylib?.runId ?? '')).map((line) => line.message)).toContain(
      'acme/none@1 is not built: no such repository here',
    )
  })

  it.each([
    { full_name: 'acme/nothing' },
    { full_name: 'acme/mylib', versions: [{ ref: '9.9.9' }] },
    { full_name: 'acme/mylib', versions: [{ ref: '1.0.0', erl_version: '99' }] },
    { full_name: 'acme/hidden' },
  ])('is told in exactly its words that there is no such build: %j', async (body) => {
    const response = await server.post('/get', body)
    expect([response.status, await response.text()]).toEqual([200, 'No such build'])
  })

  it('fetches the runtime of the image, the same bytes every time', async () => {
    const first = Buffer.from(await (await server.get('/download_erts/25')).arrayBuffer())
    const second = await server.get('/download_erts/25')
    expect(second.headers.get('content-disposition')).toBe('attachment; filename="25.tar"')
    expect(Buffer.from(await second.arrayBuffer()).equals(first)).toBe(true)
    const folder = await mkdtemp(join(tmpdir(), 'slipway-erts-'))
    await writeFile(join(folder, 'erts.tar'), first)
    const { stdout } = await run('tar', ['-tf', join(folder, 'erts.tar')])
    await rm(folder, { recursive: true })
    expect(stdout).toMatch(/^bin\/erl$/m)
    const missing = await server.get('/download_erts/1')
    expect([missing.status, await missing.text()]).toEqual([200, 'No such erlang'])
  })
})

describe('lists', () => {
  it('show one row per package, tag and axis value, failures included', async () => {
    const body: unknown = await json(await server.get('/search?name=bad&namespace=&version='))
    const build = (await world.builds()).find((one) => one.package.name === 'bad')
    expect(body).toEqual(
      wrapper([
        {
          build_id: build?.runId,
          namespace: 'acme',
          name: 'bad',
          success: false,
          path: `/build_log?build_id=${build?.runId}`,
          erl_version: null,
          version: 'v1',
          build_date: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d$/),
        },
      ]),
    )
    expect(await json(await server.post('/builds', { full_name: 'acme/bad' }))).toEqual(
      wrapper([
        {
          build_id: build?.runId,
          result: false,
          message: 'the build commands ended with exit code 4',
          artifact_path: null,
          created_date: build?.completedAt?.getTime(),
          fullName: null,
          cloneUrl: null,
        },
      ]),
    )
    const log = await server.get(`/build_log?build_id=${build?.runId}`)
    expect([log.headers.get('content-type')?.toLowerCase(), await log.text()]).toEqual([
      'text/plain;charset=utf-8',
      expect.stringContaining('+ exit 4'),
    ])
  })

  it('know a repository by its only package, and the newest n whatever they are called', async () => {
    expect(await json(await server.post('/versions', { full_name: 'acme/only' }))).toMatchObject(
      wrapper([{ ref: 'v1.10.0' }, { ref: 'v1.9.0' }]),
    )
    expect(await json(await server.get('/last_builds?n=3'))).toMatchObject(
      wrapper([{ name: 'dep' }, { version: 'v1.10.0' }, { version: 'v1.9.0' }]),
    )
    expect(await json(await server.get('/search?name=lib'))).toEqual(wrapper([]))
  })

  it('hide private repositories from everybody without rights', async () => {
    const build = (await world.builds()).find((one) => one.package.name === 'hidden')
    expect(await json(await server.get('/search?name=hidden'))).toEqual(wrapper([]))
    expect((await server.get('/search?name=hidden', { authorization: 'Bearer pool-token' })).status).toBe(200)
    expect(await json(await server.get('/search?name=hidden', { authorization: 'Bearer pool-token' }))).toEqual(
      wrapper([]),
    )
    expect(await json(await server.get('/search?name=hidden', AUTHORIZED))).toMatchObject(wrapper([{ name: 'hidden' }]))
    for (const path of [
      `/download/${build?.runId}`,
      `/build_log?build_id=${build?.runId}`,
      `/api/v1/artifacts/${build?.artifact?.sha256}`,
      `/api/v1/packages/acme/hidden/versions`,
    ]) {
      expect((await server.get(path)).status).toBe(404)
      expect((await server.get(path, AUTHORIZED)).status).toBe(200)
    }
    expect((await server.get('/search?name=hidden', { authorization: 'Bearer wrong' })).status).toBe(401)
  })

  it('draw the badge', async () => {
    const good = await server.get('/badge?full_name=acme/only')
    expect([good.headers.get('content-type'), await good.text()]).toEqual([
      expect.stringContaining('image/svg+xml'),
      expect.stringContaining('v1.10.0'),
    ])
    expect(await (await server.get('/badge?full_name=acme/nothing')).text()).toContain('unknown')
  })
})

describe('building by request', () => {
  const cloneUrl = 'https://github.com/acme/only.git'

  it('joins what is built, echoes the request and names the builds', async () => {
    const build = (await world.builds()).find((one) => one.version.tag === 'v1.9.0')
    const request = { full_name: 'acme/only', clone_url: cloneUrl, versions: [{ ref: 'v1.9.0' }] }
    const response = await server.post('/buildAsync', request, AUTHORIZED)
    expect([response.status, await json(response)]).toEqual([
      200,
      wrapper({
        full_name: 'acme/only',
        clone_url: 'github.com/acme/only',
        versions: [{ version_id: null, ref: 'v1.9.0', erl_version: null, builds: null }],
        ref_type: null,
        notify_email: true,
        buildId: null,
        build_id: build?.runId,
        build_ids: [build?.runId],
      }),
    ])
    expect(await json(await server.post('/buildSync', request, AUTHORIZED))).toEqual(wrapper(true))
    const bad = { full_name: 'acme/bad', clone_url: 'https://github.com/acme/several', versions: [{ ref: 'v1' }] }
    const failed = await server.post('/buildSync', bad, AUTHORIZED)
    expect([failed.status, await json(failed)]).toEqual([
      400,
      wrapper('build failed: the build commands ended with exit code 4', false),
    ])
  })

  it('rebuilds as another attempt', async () => {
    const build = (await world.builds()).find((one) => one.version.tag === 'v1.9.0')
    const answer = await json(await server.post('/rebuild', { build_id: build?.runId }, AUTHORIZED))
    expect(answer).toMatchObject({ result: true, response: { full_name: 'acme/core', versions: [{ ref: 'v1.9.0' }] } })
    await world.settled()
    const attempts = (await world.builds()).filter((one) => one.version.tag === 'v1.9.0')
    expect(attempts.map((one) => [one.attempt, one.conclusion])).toEqual([
      [2, 'success'],
      [1, 'success'],
    ])
    expect(await (await server.get(`/download/${attempts[0]?.runId}`)).arrayBuffer()).toEqual(
      await (await server.get(`/download/${attempts[1]?.runId}`)).arrayBuffer(),
    )
  })

  it.each([
    ['/buildAsync', { full_name: 'only', clone_url: cloneUrl }, 'Validation failed: Wrong fullname format: only'],
    [
      '/buildAsync',
      { full_name: 'acme/only', clone_url: 'https://evil.example/x/y', versions: [] },
      'Validation failed: Request acme/only evil.example/x/y tries to overwrite',
    ],
    [
      '/buildAsync',
      { full_name: 'acme/none', clone_url: 'https://github.com/acme/none' },
      'Validation failed: Unknown repository: github.com/acme/none',
    ],
    [
      '/buildAsync',
      { full_name: 'acme/only', clone_url: cloneUrl, versions: [{ ref: '../../x' }] },
      'Validation failed: Malformed ref',
    ],
    [
      '/buildAsync',
      { full_name: 'acme/only', clone_url: cloneUrl, versions: [{ ref: 'v0' }] },
      'Validation failed: No such tag: v0',
    ],
    [
      '/buildAsync',
      {
        full_name: 'acme/mylib',
        clone_url: 'https://github.com/acme/mylib',
        versions: [{ ref: '1.0.0', erl_version: '99' }],
      },
      'Validation failed: erl_version 99 is not built for acme/mylib',
    ],
    ['/rebuild', { build_id: 'nonsense' }, 'Validation failed: No such build!'],
    ['/versions', { full_name: 'only' }, 'Validation failed: Wrong fullname format: only'],
  ])('refuses %s with %j in the words of the contract', async (path, body, message) => {
    const before = (await world.builds()).length
    const response = await server.post(path, body, AUTHORIZED)
    expect([response.status, await json(response)]).toEqual([
      400,
      { result: false, response: expect.stringContaining(message) },
    ])
    expect((await world.builds()).length).toBe(before)
  })

  it.each([
    ['POST', '/buildAsync', '{'],
    ['POST', '/buildAsync', {}],
    ['POST', '/rebuild', { build_id: '' }],
    ['POST', '/get', { versions: [] }],
    ['GET', '/search', null],
    ['GET', '/last_builds?n=many', null],
    ['POST', '/callback', {}],
  ])('answers %s %s %j as the framework did', async (method, path, body) => {
    const response = method === 'GET' ? await server.get(path) : await server.post(path, body, AUTHORIZED)
    expect([response.status, await json(response)]).toEqual([
      400,
      expect.objectContaining({
        status: 400,
        error: 'Bad Request',
        path: path.split('?')[0],
        timestamp: expect.any(Number),
      }),
    ])
  })

  it('needs a token', async () => {
    for (const path of ['/buildAsync', '/buildSync', '/rebuild']) {
      expect((await server.post(path, {})).status).toBe(401)
      expect((await server.post(path, {}, { authorization: 'Bearer pool-token' })).status).toBe(403)
    }
  })
})

describe('the callback', () => {
  const signed = (body: string, algorithm: 'sha1' | 'sha256' = 'sha1') => ({
    [algorithm === 'sha1' ? 'x-hub-signature' : 'x-hub-signature-256']:
      `${algorithm}=${createHmac(algorithm, CALLBACK_SECRET).update(body).digest('hex')}`,
  })
  const event = (change: object = {}) =>
    JSON.stringify({
      ref: 'v1.9.0',
      ref_type: 'tag',
      repository: { full_name: 'acme/only', clone_url: 'https://github.com/acme/only.git' },
      ...change,
    })

  it.each(['sha1', 'sha256'] as const)('builds a tag that GitHub signed with %s', async (algorithm) => {
    const response = await server.post('/callback', event(), signed(event(), algorithm))
    expect([response.status, await json(response)]).toEqual([
      200,
      {
        result: true,
        response: expect.objectContaining({ full_name: 'acme/only', ref_type: 'tag', build_ids: [expect.any(String)] }),
      },
    ])
  })

  it.each([
    ['a branch', event({ ref: 'main', ref_type: 'branch' }), {}],
    ['a deletion', event(), { 'x-github-event': 'delete' }],
  ])('does nothing for %s', async (_what, body, headers) => {
    const response = await server.post('/callback', body, { ...signed(body), ...headers })
    expect([response.status, await json(response)]).toEqual([
      200,
      { result: true, response: expect.objectContaining({ build_ids: [] }) },
    ])
  })

  it.each([
    ['Wrong signature for acme/only', event(), { 'x-hub-signature': 'sha1=0' }],
    [
      "Url https://evil.example/acme/only doesn't point to github!",
      event({ repository: { full_name: 'acme/only', clone_url: 'https://evil.example/acme/only' } }),
      { 'x-hub-signature': 'sha1=0' },
    ],
    [
      'Malformed github url: https://github.com/acme/other',
      event({ repository: { full_name: 'acme/only', clone_url: 'https://github.com/acme/other' } }),
      { 'x-hub-signature': 'sha1=0' },
    ],
  ])('refuses: %s', async (message, body, headers) => {
    const response = await server.post('/callback', body, headers)
    expect([response.status, await json(response)]).toEqual([400, wrapper(`Validation failed: ${message}`, false)])
  })
})

describe('a download', () => {
  it('can be resumed, asked about and left out', async () => {
    const build = (await world.builds()).find((one) => one.package.name === 'mylib')
    const { sha256 = '', size = 0 } = build?.artifact ?? {}
    const path = `/api/v1/artifacts/${sha256}`
    const whole = await server.get(path)
    const bytes = Buffer.from(await whole.arrayBuffer())
    const digest = `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`
    expect([whole.status, whole.headers.get('repr-digest'), whole.headers.get('content-length')]).toEqual([
      200,
      digest,
      String(size),
    ])

    const ask = async (headers: Record<string, string>, method = 'GET') => {
      const response = await server.get(path, headers, method)
      return [
        response.status,
        response.headers.get('content-range'),
        Buffer.from(await response.arrayBuffer()).toString('hex'),
      ]
    }
    const part = (start: number, end: number) => bytes.subarray(start, end + 1).toString('hex')
    expect(await ask({ range: 'bytes=0-9' })).toEqual([206, `bytes 0-9/${size}`, part(0, 9)])
    expect(await ask({ range: 'bytes=-5' })).toEqual([
      206,
      `bytes ${size - 5}-${size - 1}/${size}`,
      part(size - 5, size - 1),
    ])
    expect(await ask({ range: `bytes=${size - 3}-` })).toEqual([
      206,
      `bytes ${size - 3}-${size - 1}/${size}`,
      part(size - 3, size),
    ])
    expect(await ask({ range: 'bytes=0-9', 'if-range': `"${sha256}"` })).toEqual([206, `bytes 0-9/${size}`, part(0, 9)])
    expect((await ask({ range: 'bytes=0-9', 'if-range': '"other"' })).slice(0, 2)).toEqual([200, null])
    expect(await ask({ range: `bytes=${size}-` })).toEqual([416, `bytes */${size}`, ''])
    expect((await ask({ range: 'lines=1-2' }))[0]).toBe(200)
    expect(await ask({ 'if-none-match': `W/"${sha256}"` })).toEqual([304, null, ''])
    const head = await server.get(path, {}, 'HEAD')
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag'), await head.text()]).toEqual([
      200,
      String(size),
      `"${sha256}"`,
      '',
    ])
  })

  it('is refused, never served, when the disk damaged it', async () => {
    const build = (await world.builds()).find((one) => one.package.name === 'one')
    const sha256 = build?.artifact?.sha256 ?? ''
    const path = join(world.folder, 'blobs', sha256.slice(0, 2), sha256)
    const bytes = await readFile(path)
    const damaged = Buffer.from(bytes)
    damaged[700] = (damaged[700] ?? 0) ^ 1
    await writeFile(path, damaged)
    for (const headers of [{}, { range: 'bytes=0-9' }]) {
      const response = await server.get(`/api/v1/artifacts/${sha256}`, headers)
      expect([response.status, await json(response)]).toEqual([
        500,
        { error: { code: 'internal', message: expect.stringContaining('hash to') } },
      ])
    }
    expect((await server.get(`/download/${build?.runId}`)).status).toBe(500)
    await truncate(path, 10)
    expect((await server.get(`/download/${build?.runId}`)).status).toBe(500)
    await rm(path)
    expect((await server.get(`/download/${build?.runId}`)).status).toBe(500)
  })

  it('of what was never built is 404', async () => {
    for (const path of [
      '/download/nonsense',
      '/build_log?build_id=nonsense',
      '/api/v1/artifacts/nonsense',
      '/api/v1/artifacts/x/provenance',
    ]) {
      expect((await server.get(path)).status).toBe(404)
    }
  })
})
