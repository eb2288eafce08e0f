/** Webhooks: from the request to the 202 of a stored delivery, against one INSERT a request from bare node:http. */
import { createHmac, randomUUID } from 'node:crypto'
import { Agent, request as httpRequest } from 'node:http'
import { percentile, type BenchGroup, type BenchRow } from './support/bench-row.ts'
import { end, freePort, startBenchSlipway, startProgram } from './support/bench-slipway.ts'

const CONNECTIONS = 32
const WARM_UP = 500
const REQUESTS = 6_000
/** The size of an ordinary push. */
const PAYLOAD_BYTES = 7_678

export const webhooks: BenchGroup = {
  name: 'webhooks',
  async run() {
    const slipway = await startBenchSlipway()
    const port = await freePort()
    const floorUrl = `http://127.0.0.1:${port}`
    const floor = await startProgram('bench/floor/insert-server.mjs', floorUrl, {
      PORT: String(port),
      DATABASE_URL: slipway.databaseUrl,
      SECRET: slipway.webhookSecret,
    })
    try {
      const body = payload()
      const headers = {
        'content-type': 'application/json',
        // An event that is stored and left alone: what happens to a delivery afterwards has figures of its own.
        'x-github-event': 'star',
        'x-hub-signature-256': `sha256=${createHmac('sha256', slipway.webhookSecret).update(body).digest('hex')}`,
      }
      const ours = `${slipway.url}/api/github/webhooks`
      await load(floorUrl, body, headers, WARM_UP)
      await load(ours, body, headers, WARM_UP)
      // Twice each, in turns, so that what else the machine does meets both.
      const rounds: { readonly floor: Load; readonly ours: Load }[] = []
      for (let round = 0; round < 2; round += 1) {
        rounds.push({
          floor: await load(floorUrl, body, headers, REQUESTS),
          ours: await load(ours, body, headers, REQUESTS),
        })
      }
      const best = (key: 'floor' | 'ours') => ({
        rate: Math.max(...rounds.map((round) => round[key].rate)),
        p99: Math.min(...rounds.map((round) => round[key].p99)),
      })
      return rows(best('ours'), best('floor'))
    } finally {
      await end(floor.child, 'SIGTERM')
      await slipway.close()
    }
  },
}

interface Load {
  /** Requests a second. */
  readonly rate: number
  /** Milliseconds. */
  readonly p99: number
}

function rows(ours: Load, floor: Load): readonly BenchRow[] {
  const rate = ours.rate / floor.rate
  const p99 = ours.p99 / floor.p99
  return [
    {
      name: `signed webhook to 202, stored, ${CONNECTIONS} connections`,
      unit: '/s',
      value: ours.rate,
      floor: floor.rate,
      ratio: rate,
      goal: 'at least 0.7',
      pass: rate >= 0.7,
    },
    {
      name: 'the same, p99',
      unit: 'ms',
      value: ours.p99,
      floor: floor.p99,
      ratio: p99,
      goal: 'at most 2',
      pass: p99 <= 2,
    },
  ]
}

async function load(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  requests: number,
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const times: number[] = []
  let left = requests
  const begun = performance.now()
  const connection = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const start = performance.now()
      await post(url, body, { ...headers, 'x-github-delivery': randomUUID() }, agent)
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  const rate = (requests * 1000) / (performance.now() - begun)
  agent.destroy()
  return { rate, p99: percentile(times, 0.99) }
}

function post(url: string, body: string, headers: Record<string, string>, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } },
      (answer) => {
        answer.resume()
        answer.once('end', () =>
          answer.statusCode === 202 ? resolve() : reject(new Error(`a webhook was answered ${answer.statusCode}`)),
        )
      },
    )
    request.once('error', reject)
    request.end(body)
  })
}

function payload(): string {
  const event = { action: 'created', repository: { id: 1, full_name: 'acme/web' }, installation: { id: 1 }, filler: '' }
  const bare = JSON.stringify(event)
  return JSON.stringify({ ...event, filler: 'x'.repeat(PAYLOAD_BYTES - bare.length) })
}
