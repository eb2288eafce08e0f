import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import type { TcpProxy } from '../../support/tcp-proxy.ts'

let echo: Server
let proxy: TcpProxy

beforeEach(async () => {
  echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const address = echo.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  proxy = await startTcpProxy({ host: '127.0.0.1', port: address.port })
})

afterEach(async () => {
  await proxy.stop()
  echo.close()
})

it('carries bytes, and breaks what is open on command', async () => {
  const client = await open()
  expect(await say(client, 'one')).toBe('one')
  const gone = closed(client)
  proxy.cut()
  await gone
  expect(await say(await open(), 'two')).toBe('two')
})

it('refuses until it is healed', async () => {
  proxy.refuse()
  await closed(connect(proxy.port, '127.0.0.1'))
  proxy.heal()
  expect(await say(await open(), 'again')).toBe('again')
})

it('holds back during a stall and delivers afterwards', async () => {
  const client = await open()
  await say(client, 'warm')
  proxy.stall()
  let arrived = ''
  client.on('data', (part: Buffer) => (arrived += part.toString()))
  client.write('held')
  const beside = await open()
  beside.write('held too')
  expect(arrived).toBe('')
  const [first, second] = [once(client, 'data'), once(beside, 'data')]
  proxy.heal()
  expect(String((await first)[0])).toBe('held')
  expect(String((await second)[0])).toBe('held too')
})

/** However it ends; a reset is an error to the socket and the expected end here. */
function closed(socket: Socket): Promise<void> {
  return new Promise((settle) => {
    socket.on('error', () => undefined).once('close', () => settle())
  })
}

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1').on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

async function say(socket: Socket, text: string): Promise<string> {
  const answer = once(socket, 'data')
  socket.write(text)
  return String((await answer)[0])
}
