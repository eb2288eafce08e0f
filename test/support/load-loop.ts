/** Asks without a pause until it is told to stop; half of the clients keep their connections. */
import http from 'node:http'
import { askHost } from './ask-host.ts'

export interface LoadResult {
  readonly total: number
  readonly lost: readonly string[]
  readonly versions: ReadonlySet<string>
}

export function startLoad(port: number, host: string, clients = 4): () => Promise<LoadResult> {
  const agents = [new http.Agent({ keepAlive: true, maxSockets: clients }), new http.Agent({ keepAlive: false })]
  const lost: string[] = []
  const versions = new Set<string>()
  let total = 0
  let isStopped = false
  const loops = Array.from({ length: clients }, async (_, client) => {
    while (!isStopped) {
      const { status, body } = await askHost(port, host, '/', agents[client % 2])
      total += 1
      if (status === 200) versions.add(body)
      else lost.push(`${status} ${body}`.slice(0, 100))
    }
  })
  return async () => {
    isStopped = true
    await Promise.all(loops)
    agents.forEach((agent) => agent.destroy())
    return { total, lost, versions }
  }
}
