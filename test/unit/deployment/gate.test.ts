import { describe, expect, test } from 'vitest'
import { activeFreeze, gate } from '../../../src/deployment/index.ts'

const facts = {
  now: new Date('2026-03-06T20:00:00Z'),
  confirm: 'none',
  lock: null,
  freeze: [],
  freezeOverride: null,
  needsApproval: false,
  approvedBy: null,
} as const
const WEEKEND = { cron: '0 18 * * 5', durationMs: 60 * 3_600_000, tz: 'Europe/Warsaw', reason: 'weekend' }

describe('a freeze', () => {
  test('holds from its opening for its length, by the clock of its own zone', () => {
    expect(activeFreeze([WEEKEND], new Date('2026-03-06T16:59:59Z'))).toBeNull()
    expect(activeFreeze([WEEKEND], new Date('2026-03-06T17:00:00Z'))).toEqual({
      reason: 'weekend',
      until: new Date('2026-03-09T05:00:00Z'),
    })
    expect(activeFreeze([WEEKEND], new Date('2026-03-09T04:59:59Z'))).not.toBeNull()
    expect(activeFreeze([WEEKEND], new Date('2026-03-09T05:00:00Z'))).toBeNull()
  })

  test('moves with summer time as people expect', () => {
    // From 29 March Warsaw is two hours ahead of UTC.
    expect(activeFreeze([WEEKEND], new Date('2026-04-03T16:00:00Z'))?.reason).toBe('weekend')
    expect(activeFreeze([WEEKEND], new Date('2026-04-03T15:59:00Z'))).toBeNull()
  })

  test('of several the one that ends last counts, and one that opens again while it is open goes on', () => {
    const often = { cron: '*/10 * * * *', durationMs: 15 * 60_000, tz: 'UTC', reason: 'always' }
    expect(activeFreeze([often], new Date('2026-01-01T00:14:00Z'))?.until).toEqual(new Date('2026-01-01T00:25:00Z'))
    expect(activeFreeze([often, WEEKEND], facts.now)?.reason).toBe('weekend')
  })
})

describe('the gate', () => {
  test('is open when nothing stands in the way', () => expect(gate(facts)).toEqual({ kind: 'open' }))

  test('names every reason to wait', () => {
    const lock = { by: 'octocat', reason: 'moving', until: null, since: facts.now }
    const answer = gate({ ...facts, lock, freeze: [WEEKEND], needsApproval: true, confirm: 'deploys' })
    expect(answer.kind === 'wait' && answer.reasons.map((reason) => reason.kind)).toEqual([
      'lock',
      'freeze',
      'approval',
    ])
  })

  test('opens when a lock has run out, a freeze was overridden, an approval was given', () => {
    const lock = { by: 'octocat', reason: 'moving', until: new Date('2026-03-06T19:59:59Z'), since: facts.now }
    const freezeOverride = { by: 'octocat', reason: 'a fix' }
    expect(gate({ ...facts, lock, freeze: [WEEKEND], freezeOverride, needsApproval: true, approvedBy: 'eve' })).toEqual(
      { kind: 'open' },
    )
  })

  test('waits for a start with CONFIRM=deploys, and never opens in a dry run', () => {
    expect(gate({ ...facts, confirm: 'deploys' })).toEqual({ kind: 'wait', reasons: [{ kind: 'start' }] })
    expect(gate({ ...facts, confirm: 'harmless', approvedBy: 'eve' })).toEqual({
      kind: 'wait',
      reasons: [{ kind: 'dry_run' }],
    })
  })
})
