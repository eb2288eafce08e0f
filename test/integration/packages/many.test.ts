import { simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import { buffer } from 'node:stream/consumers'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/core/logger.ts'
import { secretOf } from '../../../src/core/secret.ts'
import { MAIL_JOB, mailHandler } from '../../../src/mail/mail-handler.ts'
import { smtpMailer } from '../../../src/mail/smtp.ts'
import { handleTag, type BuildFilter } from '../../../src/packages/index.ts'
import { openDatabase, sql } from '../../../src/store/database.ts'
import { createMailOutbox } from '../../../src/store/mails.ts'
import { createMessageStore } from '../../../src/store/outbox.ts'
import { createPackageCatalogue } from '../../../src/store/packages/package-catalogue.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { EVERYBODY, openWorld, shellPackage, type World } from './package-world.ts'
import { serveWorld } from './serve-world.ts'

let database: TestDatabase
let world: World

beforeEach(async () => {
  database = await createTestDatabase()
  world = await openWorld({ databaseUrl: database.url, hasMail: true })
})

afterEach(async () => {
  await world.close()
  await database.drop()
})

describe('two hundred equal deliveries', () => {
  it('are one run, one container and one artifact', async () => {
    const lib = await world.repository('lib', { 'src/a.txt': 'x' }, { lib: shellPackage() })
    const sha = await world.tagOnly(lib, 'v1')
    const results = await Promise.all(
      Array.from({ length: 200 }, () => handleTag(world.deps, lib, { tag: 'v1', sha }, 'tag', null)),
    )
    await world.settled()
    expect(new Set(results.flatMap((result) => result.builds.map((build) => build.runId))).size).toBe(1)
    expect(
      await world.db.first(
        sql`select (select count(*)::integer from runs) as runs, (select count(*)::integer from package_artifacts) as artifacts`,
      ),
    ).toEqual({ runs: 1, artifacts: 1 })
    const [build] = await world.builds()
    expect((await world.log(build?.runId ?? '')).match(/^\+ tar /gm)).toHaveLength(1)
  })
})

describe('mail', () => {
  it('goes to the author of the tagged commit once for each outcome, again after the server was away, and cannot add headers', async () => {
    const lib = await world.repository(
      'lib',
      { 'src/a.txt': 'x' },
      {
        good: shellPackage({ key: 'good' }),
        bad: shellPackage({ key: 'bad', commands: ["printf 'src/a.txt:1: <b>broken</b>\\n' >&2", 'exit 3'] }),
        silent: shellPackage({ key: 'silent', notify: { email: false } }),
      },
    )
    await world.tag(lib, 'v1')
    await world.settled()
    await createMailOutbox(world.db).post('hostile', 'eve@example.org', {
      subject: 'hello\r\nBcc: all@example.org',
      text: 't',
      html: 'h',
    })

    const mails: Awaited<ReturnType<typeof simpleParser>>[] = []
    let isAway = true
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onMailFrom: (_address, _session, done) =>
        done(isAway ? Object.assign(new Error('come again later'), { responseCode: 451 }) : null),
      onData: (stream, _session, done) => {
        buffer(stream)
          .then(simpleParser)
          .then(
            (mail) => {
              mails.push(mail)
              done()
            },
            (error: Error) => done(error),
          )
      },
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
    const { port } = server.server.address() as AddressInfo
    const mailer = smtpMailer({ url: secretOf(`smtp://127.0.0.1:${port}`), from: 'Slipway <slipway@example.com>' })
    const handler = mailHandler({ store: createMessageStore(world.db), mailer, logger: silentLogger, firstDelayMs: 1 })
    const signal = new AbortController().signal
    try {
      expect((await world.jobs.claim('00000000-0000-0000-0000-000000000000', [MAIL_JOB], 5)).length).toBe(1)
      const delayed = mailHandler({
        store: createMessageStore(world.db),
        mailer,
        logger: silentLogger,
        firstDelayMs: 3_600_000,
      })
      expect(await delayed.handle({}, signal)).toMatchObject({ kind: 'wait' })
      expect(mails).toEqual([])
      isAway = false
      await world.db.run(sql`update notifications set next_try_at = now()`)
      expect(await handler.handle({}, signal)).toEqual({ kind: 'done' })
      expect(await handler.handle({}, signal)).toEqual({ kind: 'done' })
    } finally {
      mailer.close()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    }
    expect(mails.map((mail) => mail.subject).toSorted()).toEqual([
      'Package build of acme/bad v1 failed',
      'Package build of acme/good v1 succeeded',
      'hello Bcc: all@example.org',
    ])
    expect(mails.map((mail) => mail.bcc)).toEqual([undefined, undefined, undefined])
    const failed = mails.find((mail) => mail.subject?.endsWith('failed') === true)
    expect(failed?.to).toMatchObject({ text: 'ada@example.org' })
    expect(failed?.text).toContain('src/a.txt:1: <b>broken</b>')
    expect(failed?.html).toContain('&lt;b&gt;broken&lt;/b&gt;')
    expect(failed?.text).toMatch(/^Log: +http:\/\/slipway\.test\/build_log\?build_id=/m)
    expect(mails.find((mail) => mail.subject?.endsWith('succeeded') === true)?.text).toMatch(
      /^Download: http:\/\/slipway\.test\/api\/v1\/artifacts\/[0-9a-f]{64}$/m,
    )
  })
})

describe('among a hundred thousand builds', () => {
  it('search and lists stay bounded, and pages stay stable while builds arrive', async () => {
    await fill(world)
    const server = await serveWorld(world)
    try {
      const names: string[] = []
      let cursor: string | null = null
      let pages = 0
      do {
        const query = new URLSearchParams({ q: 'CME/PACK-1', limit: '200', ...(cursor === null ? {} : { cursor }) })
        const page = (await (await server.get(`/api/v1/packages?${query.toString()}`)).json()) as {
          packages: { full_name: string }[]
          next_cursor: string | null
        }
        names.push(...page.packages.map((one) => one.full_name))
        cursor = page.next_cursor
        pages += 1
        await world.db.run(
          sql`insert into packages (repository_id, name, search_name) values (7, ${`pack-1-new-${pages}`}, ${`acme/pack-0-new-${pages}`})`,
        )
      } while (cursor !== null)
      expect([names.length, new Set(names).size, pages]).toEqual([1111, 1111, 6])
      expect(names).toEqual(names.toSorted())

      const prefix = (await (await server.get('/api/v1/packages?q=pack-199&match=prefix')).json()) as {
        packages: { full_name: string }[]
      }
      expect(prefix.packages.map((one) => one.full_name)).toEqual([
        'acme/pack-199',
        ...Array.from({ length: 10 }, (_, n) => `acme/pack-199${n}`),
      ])
      const last = (await (await server.get('/last_builds?n=20')).json()) as { response: { name: string }[] }
      expect(last.response.length).toBe(20)
      const search = (await (await server.get('/search?name=pack-7')).json()) as { response: unknown[] }
      expect(search.response.length).toBe(50)

      for (const filter of [
        { isReleased: true, limit: 20 },
        { isSuccessful: true, limit: 20 },
        { name: 'pack-7', isCollapsed: true, limit: 500 },
        { limit: 50, before: '50000' },
      ]) {
        const rows = await rowsRead(filter)
        expect([rows > 0, rows < 10_000]).toEqual([true, true])
      }
    } finally {
      await server.stop()
    }
  })
})

/** 2000 packages with 50 versions each; every reference is right, so that checking each of them is left out. */
async function fill(world: World): Promise<void> {
  await world.repository('big', {}, {}, { id: 7 })
  await world.db.transaction(async (tx) => {
    await tx.run(sql`set local session_replication_role = replica`)
    await tx.run(
      sql`insert into packages (repository_id, name, search_name) select 7, 'pack-' || n, 'acme/pack-' || n from generate_series(1, 2000) n`,
    )
    await tx.run(sql`insert into package_versions (package_id, tag, sha, sort_key)
      select p.id, '1.' || n, repeat('a', 40), '1' || lpad(n::text, 18, '0') || '~' from packages p, generate_series(1, 50) n`)
    await tx.run(sql`insert into runs (id, kind, repository_id, sha, name, state, conclusion, event, trust, ref, group_id, timeout_ms, completed_at)
      select id, 'package', 7, repeat('a', 40), id::text, 'completed', 'success', 'tag', 'trusted', 'refs/tags/x', id, 1, now() from package_versions`)
    await tx.run(
      sql`insert into package_builds (run_id, package_id, version_id, is_released) select id, package_id, id, true from package_versions`,
    )
    await tx.run(sql`insert into package_artifacts (version_id, variant, run_id, sha256, size, file_name, provenance)
      select id, '', id, repeat('b', 64), 1, 'x.ep', '{}' from package_versions`)
  })
  await world.db.run(sql`analyze`)
}

/** Rows that the database touched for a list, counted by itself: on one connection, which knows what it did. */
async function rowsRead(filter: BuildFilter): Promise<number> {
  const db = openDatabase({ url: database.url }, silentLogger, 1)
  const count = async (): Promise<number> => {
    await db.run(sql`select pg_stat_force_next_flush()`)
    await db.run(sql`select 1`)
    const row = await db.first<{ n: string }>(sql`
      select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as n from pg_stat_user_tables where relname like 'package%' or relname = 'runs'`)
    return Number(row?.n ?? 0)
  }
  try {
    const before = await count()
    await createPackageCatalogue(db).builds(filter, EVERYBODY)
    return (await count()) - before
  } finally {
    await db.close()
  }
}
