/** Asks the service as a browser would: at the proxy, by the service's name. */
import { request } from 'node:http'
import { DOMAIN } from './app-files.ts'

const ANSWER_WITHIN_MS = 5_000

export interface Answer {
  readonly status: number
  readonly text: string
}

export function askService(proxyPort: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: proxyPort, headers: { host: DOMAIN }, timeout: ANSWER_WITHIN_MS }
    const asked = request(options, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.once('error', reject)
      answer.once('end', () =>
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      )
    })
    asked.once('timeout', () => asked.destroy(new Error('the service does not answer')))
    asked.once('error', reject)
    asked.end()
  })
}

export interface Visitors {
  /** Ends the visits and tells how they went. */
  leave(): Promise<{ readonly answered: number; readonly lost: number }>
}

/** Between two visits. Milliseconds. */
const VISIT_EVERY_MS = 20

/** Somebody who keeps asking while something else happens. */
export function keepAsking(proxyPort: number): Visitors {
  const counted = { answered: 0, lost: 0 }
  let isLeaving = false
  const visiting = (async () => {
    while (!isLeaving) {
      const isAnswered = await askService(proxyPort).then(
        ({ status }) => status === 200,
        () => false,
      )
      if (isAnswered) counted.answered += 1
      else counted.lost += 1
      await new Promise((resolve) => setTimeout(resolve, VISIT_EVERY_MS))
    }
  })()
  return {
    async leave() {
      isLeaving = true
      await visiting
      return counted
    },
  }
}

/** What the page says in its heading. */
export function heading({ text }: Answer): string {
  return /<h1>([^<]*)<\/h1>/.exec(text)?.[1] ?? text.trim()
}
