import { PassThrough } from 'node:stream'
import { Command } from 'commander'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { createClient } from '../../../src/cli/client.ts'
import type { Terminal } from '../../../src/cli/terminal.ts'
import { poolCommand } from '../../../src/cli/pool.ts'
import { tokenCommand } from '../../../src/cli/token.ts'
import { secretOf } from '../../../src/core/secret.ts'
import { createTokenStore } from '../../../src/store/tokens.ts'
import { createPoolFixture, type PoolFixture } from '../../support/pool-fixture.ts'
import { ADMIN_TOKEN, startPoolServer } from '../../support/pool-server.ts'

let fixture: PoolFixture
let server: Awaited<ReturnType<typeof startPoolServer>>

beforeAll(async () => {
  fixture = await createPoolFixture()
  server = await startPoolServer({ ...fixture, tokens: createTokenStore(fixture.db) })
})

beforeEach(async () => {
  await fixture.reset()
})

afterAll(async () => {
  await server.stop()
  await fixture.stop()
})

/** Runs a command; returns the lines of its result and its notes. */
async function slipway(...args: string[]): Promise<{ readonly lines: string[]; readonly notes: string[] }> {
  const [lines, notes]: [string[], string[]] = [[], []]
  const terminal: Terminal = {
    isInteractive: false,
    line: (text = '') => void lines.push(text),
    json: (value) => void lines.push(JSON.stringify(value)),
    note: (text) => void notes.push(text),
    styled: (_style, text) => text,
    table: (head, rows) => lines.push(...[head, ...rows].map((row) => row.join(' | '))),
  }
  const program = new Command().exitOverride().configureOutput({ writeErr: (text) => void new PassThrough().end(text) })
  const context = {
    terminal,
    settings: () => {
      throw new Error('the commands of the pool need no settings')
    },
    client: () => createClient({ url: server.url, token: secretOf(ADMIN_TOKEN) }),
  }
  poolCommand(program, context)
  tokenCommand(program, context)
  await program.parseAsync(args, { from: 'user' })
  return { lines, notes }
}

it('adds, lists, reserves, extends, releases, drains and removes', async () => {
  process.env['INSTANCE_TOKEN'] = 'secret-of-the-instance'
  await slipway('pool', 'add', 'https://ci1.example.com', '--label', 'size=s')
  expect((await slipway('pool', 'list')).lines[1]).toBe('1 | ci1.example.com | free | - | - | size=s')
  const reserved = await slipway('pool', 'reserve', '--client', 'me', '--timeout', '10m')
  expect(reserved.lines).toEqual(['https://ci1.example.com'])
  const id = /reservation (\S+),/.exec(reserved.notes[0] ?? '')?.[1] ?? ''
  expect((await slipway('pool', 'extend', id, '20m')).lines[0]).toMatch(/^until \d{4}-/)
  expect((await slipway('pool', 'drain', 'ci1.example.com', '--reason', 'upgrade')).lines).toEqual([
    'ci1.example.com takes no new holder',
  ])
  expect((await slipway('pool', 'release', id)).lines).toEqual(['released'])
  await slipway('pool', 'drain', '1', '--undo')
  expect((await slipway('pool', 'remove', '1')).lines).toEqual(['removed ci1.example.com'])
  expect((await slipway('pool', 'history')).lines.slice(1).map((line) => line.split(' | ')[1])).toEqual([
    'removed',
    'undrained',
    'released',
    'drained',
    'extended',
    'reserved',
    'added',
  ])
})

it('shows the place in the line while it waits', async () => {
  await fixture.addInstances(1)
  await slipway('pool', 'reserve', '--client', 'first')
  const waiting = slipway('pool', 'reserve', '--client', 'second', '--wait', '5m')
  await vi.waitFor(async () => expect((await slipway('pool', 'queue')).lines[1]).toMatch(/^1 \| second/))
  await fixture.store.end(
    { by: 'client', pool: 'default', client: 'first' },
    { ending: 'released', actor: 'test', reason: '' },
  )
  const { lines, notes } = await waiting
  expect(lines).toEqual(['https://ci1.example.com'])
  expect(notes[0]).toMatch(/^place 1 in the line, about \d+ min$/)
})

it('says what is wrong and does nothing', async () => {
  await expect(slipway('pool', 'reserve', '--client', '')).rejects.toThrow('client: cannot be blank')
  await expect(slipway('pool', 'reserve', '--label', 'x')).rejects.toThrow('key=value')
  await expect(slipway('pool', 'drain', 'nowhere.example.com')).rejects.toThrow(
    'there is no instance nowhere.example.com',
  )
  delete process.env['INSTANCE_TOKEN']
  await expect(slipway('pool', 'add', 'ci1.example.com')).rejects.toThrow('INSTANCE_TOKEN is not set')
})

it('makes, lists, rotates and revokes tokens', async () => {
  const created = await slipway('token', 'create', 'ci', '--scope', 'pool')
  const id = /^ci \(pool\) (\S+);/.exec(created.notes[0] ?? '')?.[1] ?? ''
  expect((await slipway('token', 'list')).lines.find((line) => line.startsWith(id))).toContain(
    'ci | pool | all | valid',
  )
  const rotated = await slipway('token', 'rotate', id, '--overlap', '1h')
  expect(rotated.lines[0]).toMatch(/^slipway_/)
  expect(rotated.lines).not.toEqual(created.lines)
  expect((await slipway('token', 'revoke', id)).lines).toEqual(['revoked'])
  await expect(slipway('token', 'revoke', id)).rejects.toThrow('no valid token')
})
