/**
 * One app process of the pool: `tsx pool-process.ts DATABASE_URL KEY PORT`. It serves the routes, sweeps every second,
 * prints its port when it is ready, and is meant to be killed.
 */
import { silentLogger } from '../../src/core/logger.ts'
import { startTicker } from '../../src/queue/ticker.ts'
import { createCipher } from '../../src/store/cipher.ts'
import { openDatabase } from '../../src/store/database.ts'
import { startNotifications } from '../../src/store/notifications.ts'
import { createPoolStore } from '../../src/store/pool/pool-store.ts'
import { startPoolSignals } from '../../src/store/pool/signals.ts'
import { createTokenStore } from '../../src/store/tokens.ts'
import { startPoolServer } from './pool-server.ts'

const [url = '', key = '', port = '0'] = process.argv.slice(2)
const nothing = (): void => undefined
const db = openDatabase({ url }, silentLogger, 10)
const store = createPoolStore(db, { waited: nothing, held: nothing, ended: nothing, failed: nothing })
const notifications = await startNotifications(db, silentLogger)
const signals = startPoolSignals(store, notifications, silentLogger)
startTicker([{ name: 'pool-sweep', everyMs: 1000, run: async () => void (await store.sweep()) }], silentLogger)
const server = await startPoolServer(
  { store, signals, cipher: createCipher(key), tokens: createTokenStore(db) },
  Number(port),
)
process.stdout.write(`${server.url}\n`)
