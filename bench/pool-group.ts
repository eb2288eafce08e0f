/** The figures of the pool, with a database, a store and a server of their own. */
import { createPoolStore } from '../src/store/pool/pool-store.ts'
import { openDatabase } from '../src/store/database.ts'
import { silentLogger } from '../src/core/logger.ts'
import { benchPool } from './pool.bench.ts'
import type { BenchGroup } from './support/bench-row.ts'
import { ADMIN_TOKEN, startBenchSlipway } from './support/bench-slipway.ts'

/** As many at once as the figures ask for. */
const CONNECTIONS = 32
const NOTHING = (): void => undefined
const NOT_COUNTED = { waited: NOTHING, held: NOTHING, ended: NOTHING, failed: NOTHING }
const POOL = '/api/v1/pools/default'

export const pool: BenchGroup = {
  name: 'pool',
  async run() {
    const slipway = await startBenchSlipway()
    const db = openDatabase({ url: slipway.databaseUrl }, silentLogger, CONNECTIONS)
    let made = 0
    const addInstances = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        const domain = `bench-${(made += 1)}.example.com`
        const body = JSON.stringify({ domain, token: `token-${made}` })
        const answer = await slipway.fetch(`${POOL}/instances`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json' },
        })
        if (!answer.ok) throw new Error(`an instance was answered ${answer.status}: ${await answer.text()}`)
      }
    }
    try {
      const store = createPoolStore(db, NOT_COUNTED)
      const rows = await benchPool({ db, store, url: slipway.url, token: ADMIN_TOKEN, addInstances })
      return rows.map((row) => ({ ...row, unit: '' }))
    } finally {
      await db.close()
      await slipway.close()
    }
  },
}
