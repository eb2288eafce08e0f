import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

export interface Sshd {
  readonly port: number
  readonly username: string
  readonly hostKey: string
  readonly identity: string
  /** Ends the server and every session of it, as a reboot would. */
  kill(): Promise<void>
  start(): Promise<void>
  dispose(): Promise<void>
}

/** A real OpenSSH server on the loopback, for the current user, with keys of its own. */
export async function startSshd(): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-sshd-'))
  const key = (name: string): string => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
    return readFileSync(join(folder, `${name}.pub`), 'utf8').trim()
  }
  const hostKey = key('host_key')
  writeFileSync(join(folder, 'authorized_keys'), key('identity'))
  chmodSync(join(folder, 'authorized_keys'), 0o600)
  // sshd insists on this folder when it runs as root.
  if (process.getuid?.() === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 })
  const port = await freePort()
  writeFileSync(
    join(folder, 'sshd_config'),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${join(folder, 'host_key')}`,
      `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
      `PidFile ${join(folder, 'sshd.pid')}`,
      'StrictModes no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      'UsePAM no',
      'Subsystem sftp internal-sftp',
    ].join('\n'),
  )
  let server: ChildProcess | undefined
  const start = async (): Promise<void> => {
    // Its own process group, so that the children that hold the sessions can be ended with it.
    server = spawn('/usr/sbin/sshd', ['-D', '-f', join(folder, 'sshd_config')], { stdio: 'ignore', detached: true })
    await untilListening(port)
  }
  const kill = async (): Promise<void> => {
    const { pid, exitCode, signalCode } = server ?? {}
    if (server === undefined || pid === undefined || exitCode !== null || signalCode !== null) return
    const exited = once(server, 'exit')
    const sessions = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
      .split(/\s+/)
      .filter(Boolean)
    process.kill(pid, 'SIGKILL')
    for (const session of sessions) process.kill(Number(session), 'SIGKILL')
    await exited
  }
  await start()
  return {
    port,
    username: userInfo().username,
    hostKey: hostKey.split(' ').slice(0, 2).join(' '),
    identity: join(folder, 'identity'),
    kill,
    start,
    dispose: async () => {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const socket = connect(port, '127.0.0.1')
    const open = await new Promise<boolean>((resolve) => {
      socket.once('data', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('sshd does not listen')
}
