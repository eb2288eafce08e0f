import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, cp, lstat, mkdir, mkdtemp, readFile, readlink, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { silentLogger } from '../../../src/core/logger.ts'
import { findBinaries, prepareBinaries } from '../../../src/store/embedded/binaries.ts'
import { startEmbeddedPostgres } from '../../../src/store/embedded/embedded-postgres.ts'
import type { EmbeddedPostgres } from '../../../src/store/embedded/embedded-postgres.ts'

const root = process.getuid?.() === 0

let dataDir = ''
let databases: EmbeddedPostgres[] = []
let processes: ChildProcess[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'slipway-embedded-'))
  databases = []
  processes = []
})

afterEach(async () => {
  for (const process of processes) process.kill('SIGKILL')
  // Joining and leaving as the last one stops a server whose process was killed on purpose.
  if (existsSync(join(dataDir, 'postgres'))) databases.push(await start(dataDir))
  for (const database of databases) await database.stop()
  const place = await readlink(join(dataDir, 'postgres')).catch(() => undefined)
  if (place !== undefined) await rm(place, { recursive: true, force: true })
  await rm(dataDir, { recursive: true, force: true })
})

describe('the embedded database', () => {
  it('keeps what was committed when it is stopped and started again', async () => {
    const first = await start(dataDir)
    await query(first.url, 'create table kept as select 42 as answer')
    await first.stop()
    await expect(query(first.url, 'select 1')).rejects.toThrow()

    const second = await track(start(dataDir))
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
    expect(second.joined).toBe(false)
  })

  it('is durable, private, speaks UTF-8 and never runs as root', async () => {
    const { url, connection } = await track(start(dataDir))
    expect(
      await query(
        url,
        `select current_setting('synchronous_commit') as synchronous,
      current_setting('fsync') as fsync, current_setting('listen_addresses') as tcp,
      current_setting('server_encoding') as encoding`,
      ),
    ).toEqual([{ synchronous: 'on', fsync: 'on', tcp: '', encoding: 'UTF8' }])
    expect((await stat(connection.host)).mode & 0o077).toBe(0)
    expect((await stat(join(connection.host, '..', 'cluster'))).uid).not.toBe(0)
  })

  it('survives kill -9 of its Slipway, and the next one joins it', async () => {
    const killed = await startProcess(dataDir)
    const before = await query(killed.url, 'select pg_postmaster_start_time() as started')
    killed.process.kill('SIGKILL')
    await once(killed.process, 'exit')

    const next = await track(start(dataDir))
    expect(next.joined).toBe(true)
    expect(await query(next.url, 'select pg_postmaster_start_time() as started')).toEqual(before)
  })

  it('serves two processes that start at once on a new directory', async () => {
    const [one, two] = await Promise.all([startProcess(dataDir), startProcess(dataDir)])
    await query(one.url, `create table shared as select 'both' as seen_by`)
    expect(await query(two.url, 'select seen_by from shared')).toEqual([{ seen_by: 'both' }])
    expect([one.joined, two.joined].toSorted()).toEqual([false, true])
  })

  it('stays for the others when one leaves, and goes with the last', async () => {
    const [one, two] = await Promise.all([startProcess(dataDir), startProcess(dataDir)])
    await stopProcess(one.process)
    expect(await query(two.url, 'select 1 as here')).toEqual([{ here: 1 }])
    await stopProcess(two.process)
    await expect(query(two.url, 'select 1')).rejects.toThrow()
  })

  it('is started again when its server is killed while in use', async () => {
    const { url, connection } = await track(start(dataDir))
    const pidFile = join(connection.host, '..', 'cluster', 'postmaster.pid')
    process.kill(Number.parseInt(await readFile(pidFile, 'utf8'), 10), 'SIGKILL')
    await vi.waitFor(async () => expect(await query(url, 'select 1 as back')).toEqual([{ back: 1 }]), {
      timeout: 30_000,
      interval: 50,
    })
  })

  it('works below a path too long for a socket', async () => {
    await chmod(dataDir, 0o755)
    const long = join(dataDir, 'd'.repeat(120))
    const { url, connection, stop } = await start(long)
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
    await stop()
    expect(connection.host).toMatch(/^\/tmp\//)
    await rm(connection.host, { recursive: true })
  })

  it.runIf(root)('works in a directory below a home that only root may enter', async () => {
    const home = join(dataDir, 'home')
    const inside = join(home, 'checkout', 'data')
    await mkdir(inside, { recursive: true })
    await chmod(home, 0o700)
    const { url, stop } = await start(inside)
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
    expect((await stat(home)).mode & 0o777).toBe(0o700)
    await stop()
    await rm(await readlink(join(inside, 'postgres')), { recursive: true })
  })

  it("makes the libraries' links when npm has not", async () => {
    const unlinked = join(dataDir, 'package', 'native')
    await cp(findBinaries().directory, unlinked, { recursive: true, filter: isNoLink })
    await cp(join(findBinaries().directory, '..', 'package.json'), join(dataDir, 'package', 'package.json'))
    const { directory } = await prepareBinaries({ directory: unlinked }, dataDir, { ids: undefined })
    const { stdout } = await promisify(execFile)(join(directory, 'bin', 'initdb'), ['--version'])
    expect(stdout).toMatch(/^initdb \(PostgreSQL\)/)
    expect(directory).toBe(unlinked)
  })

  it.runIf(root)('runs a private copy of programs that its account cannot reach', async () => {
    const closed = join(dataDir, 'package')
    await cp(findBinaries().directory, join(closed, 'native'), { recursive: true, verbatimSymlinks: true })
    await cp(join(findBinaries().directory, '..', 'package.json'), join(closed, 'package.json'))
    await chmod(closed, 0o700)
    const account = { ids: { uid: 65534, gid: 65534 } }
    const { directory } = await prepareBinaries({ directory: join(closed, 'native') }, dataDir, account)
    await chmod(dataDir, 0o755)
    const { stdout } = await promisify(execFile)(join(directory, 'bin', 'postgres'), ['--version'], account.ids)
    expect(stdout).toMatch(/^postgres \(PostgreSQL\)/)
  })

  it('says what to do where no binaries exist', () => {
    expect(() => findBinaries('aix', 'ppc64')).toThrow(/no embedded PostgreSQL for aix/)
    expect(() => findBinaries('linux', 'riscv64')).toThrow(/linux-riscv64 is not installed/)
  })
})

async function isNoLink(path: string): Promise<boolean> {
  return !(await lstat(path)).isSymbolicLink()
}

function start(directory: string): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir: directory, logger: silentLogger })
}

async function track(starting: Promise<EmbeddedPostgres>): Promise<EmbeddedPostgres> {
  const database = await starting
  databases.push(database)
  return database
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

interface DatabaseProcess {
  readonly process: ChildProcess
  readonly url: string
  readonly joined: boolean
}

async function startProcess(directory: string): Promise<DatabaseProcess> {
  const script = join(import.meta.dirname, '..', '..', 'support', 'embedded-process.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', script, directory], { stdio: ['pipe', 'pipe', 'inherit'] })
  processes.push(child)
  const [line] = await once(child.stdout, 'data')
  return { process: child, ...JSON.parse(String(line)) }
}

async function stopProcess(child: ChildProcess): Promise<void> {
  child.stdin?.write('stop\n')
  await once(child, 'exit')
}
