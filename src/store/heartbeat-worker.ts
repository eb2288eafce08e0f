/**
 * Runs in a worker thread: writes this process's heartbeat on a connection of its own, so that an event loop that is
 * busy with logs does not look like a death. It never reads anything that matters; `processes` and `jobs` decide.
 */
import { parentPort, workerData } from 'node:worker_threads'
import pg from 'pg'
import type { HeartbeatInput } from './heartbeat.ts'

// Handed over by our own code in the same process, so it needs no parsing.
const { processId, machine, pid, intervalMs, connection } = workerData as HeartbeatInput

let client: pg.Client | null = null

async function beat(): Promise<void> {
  try {
    if (client === null) {
      const fresh = new pg.Client(connection)
      fresh.on('error', () => {
        client = null
      })
      await fresh.connect()
      client = fresh
    }
    // An upsert: whoever thought us dead removed the row, and from now on we are alive again (without our old jobs).
    await client.query(
      `insert into processes (id, machine, pid) values ($1, $2, $3)
       on conflict (id) do update set heartbeat_at = now()`,
      [processId, machine, pid],
    )
    parentPort?.postMessage('beat')
  } catch (error) {
    await closeConnection()
    parentPort?.postMessage({ missed: error instanceof Error ? error.message : String(error) })
  }
}

async function closeConnection(): Promise<void> {
  const last = client
  client = null
  // A connection that is already broken has nothing left to close.
  await last?.end().catch(() => undefined)
}

let stopping = false
parentPort?.once('message', () => {
  stopping = true
})

while (!stopping) {
  await beat()
  await new Promise((resolve) => setTimeout(resolve, intervalMs))
}
await closeConnection()
parentPort?.close()
