import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** The machine's Engine is a Swarm of its own afterwards, on loopback, so that nobody else can join. */
export async function ensureSwarm(): Promise<void> {
  const docker = promisify(execFile)
  const { stdout } = await docker('docker', ['info', '--format', '{{.Swarm.LocalNodeState}}'])
  if (stdout.trim() === 'active') return
  await docker('docker', ['swarm', 'init', '--advertise-addr', '127.0.0.1', '--listen-addr', '127.0.0.1']).catch(
    (error: unknown) => {
      // Another test file was faster.
      if (!String(error).includes('already part of a swarm')) throw error
    },
  )
}
