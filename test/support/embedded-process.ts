/**
 * A process that uses the embedded database: `tsx embedded-process.ts DATA_DIR`. It prints one JSON line when the
 * database is ready, then waits: a line on its standard input makes it stop cleanly.
 */
import { once } from 'node:events'
import { silentLogger } from '../../src/core/logger.ts'
import { startEmbeddedPostgres } from '../../src/store/embedded/embedded-postgres.ts'

const database = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '', logger: silentLogger })
process.stdout.write(`${JSON.stringify({ url: database.url, joined: database.joined })}\n`)
await once(process.stdin, 'data')
await database.stop()
process.exit(0)
