/**
 * One set-up at a time. The lock is a listening socket: it goes away with its process, so nothing can be left behind. On
 * Linux it has only a name and no file.
 */
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 250
const address = process.platform === 'linux' ? '\0slipway-set-up' : join(tmpdir(), 'slipway-set-up.sock')

export async function withLock({ announce }, work) {
  const lock = await acquire(announce)
  try {
    return await work()
  } finally {
    lock.close()
  }
}

async function acquire(announce) {
  let told = false
  for (;;) {
    const server = createServer((socket) => socket.destroy())
    server.listen(address)
    const taken = await Promise.race([
      once(server, 'listening').then(() => false),
      new Promise((settle) => server.once('error', () => settle(true))),
    ])
    if (!taken) return server.unref()
    if (await isAbandoned()) continue
    if (!told) announce('waiting for another set-up on this machine')
    told = true
    await delay(POLL_MS)
  }
}

/** Only a socket with a file can be left by a dead process. */
async function isAbandoned() {
  if (address.startsWith('\0')) return false
  const socket = connect(address)
  const alive = await Promise.race([
    once(socket, 'connect').then(() => true),
    new Promise((settle) => socket.once('error', () => settle(false))),
  ])
  socket.destroy()
  if (!alive) rmSync(address, { force: true })
  return !alive
}
