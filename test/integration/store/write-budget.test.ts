/** The bucket of writes that all processes share, and what it says when it is empty. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/core/logger.ts'
import { openDatabase, sql, type Database } from '../../../src/store/database.ts'
import { toJsonb } from '../../../src/store/jsonb.ts'
import { createWriteBudgetStore } from '../../../src/store/write-budget.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'

let database: TestDatabase
let db: Database
beforeAll(async () => {
  database = await createTestDatabase()
  db = openDatabase({ url: database.url }, silentLogger, 8)
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

describe('the budget of writes', () => {
  it('gives ten at once to everybody together, then says when the next one is there', async () => {
    const budget = createWriteBudgetStore(db)
    const waits = await Promise.all(Array.from({ length: 14 }, () => budget.take(1, false)))
    // Some may have been refilled while a slow machine was counting.
    const given = waits.filter((wait) => wait === 0).length
    expect(given).toBeGreaterThanOrEqual(10)
    for (const wait of waits) expect(wait).toBeLessThanOrEqual(1_000)
  })

  it('is one installation’s own', async () => {
    expect(await createWriteBudgetStore(db).take(2, true)).toBe(0)
  })

  it('gives nothing while GitHub said to wait, and the longest wait counts', async () => {
    const budget = createWriteBudgetStore(db)
    await budget.block(3, 60_000)
    await budget.block(3, 1_000)
    expect(await budget.take(3, false)).toBeGreaterThan(50_000)
  })

  it('never lets more than eighty objects be made in a minute or five hundred in an hour', async () => {
    const budget = createWriteBudgetStore(db)
    await db.run(
      sql`insert into created_objects (installation_id, created_at) select 4, now() - interval '30 seconds' from generate_series(1, 80)`,
    )
    expect(await budget.take(4, true)).toBeGreaterThan(20_000)
    expect(await budget.take(4, false)).toBe(0)
    await db.run(
      sql`insert into created_objects (installation_id, created_at) select 5, now() - interval '30 minutes' from generate_series(1, 500)`,
    )
    expect(await budget.take(5, true)).toBeGreaterThan(29 * 60_000)
    // What is older than the window is forgotten.
    await db.run(sql`update created_objects set created_at = now() - interval '61 minutes' where installation_id = 5`)
    expect(await budget.take(5, true)).toBe(0)
  })
})

describe('a value for a jsonb column', () => {
  it.each(['a\0b', '\uD83D', 'x\uDE80y', '\\u0000', '🚀'])('is accepted with %j in it', async (text) => {
    const row = await db.first<{ value: { text: string } }>(sql`select ${toJsonb({ text })}::jsonb as value`)
    expect(row?.value.text).toBe(text.replaceAll(/[\0\p{Surrogate}]/gu, '\uFFFD'))
  })
})
