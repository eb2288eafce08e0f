/**
 * The simulated GitHub as a process of its own: prints one JSON line with its addresses and secrets, then serves until
 * SIGTERM or SIGINT.
 *
 *   --port N          SIMULATE_PORT          default: any free port
 *   --host H          SIMULATE_HOST          default: 127.0.0.1
 *   --data DIR        SIMULATE_DATA_DIR      default: a temporary folder
 *   --webhook-url U   SIMULATE_WEBHOOK_URL   where the app listens; may be set later by the control API
 *   --webhook-secret S SIMULATE_WEBHOOK_SECRET
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startSimulatedGitHub } from './start-simulated-github.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    host: { type: 'string' },
    data: { type: 'string' },
    'webhook-url': { type: 'string' },
    'webhook-secret': { type: 'string' },
  },
})

const setting = (flag: keyof typeof values, variable: string): string | undefined =>
  values[flag] ?? process.env[variable]
const given = setting('data', 'SIMULATE_DATA_DIR')
const dataDirectory = given ?? (await mkdtemp(join(tmpdir(), 'simulated-github-')))
const host = setting('host', 'SIMULATE_HOST')
const webhookUrl = setting('webhook-url', 'SIMULATE_WEBHOOK_URL')
const webhookSecret = setting('webhook-secret', 'SIMULATE_WEBHOOK_SECRET')

const github = await startSimulatedGitHub({
  port: Number(setting('port', 'SIMULATE_PORT') ?? 0),
  dataDirectory,
  ...(host === undefined ? {} : { host }),
  ...(webhookUrl === undefined ? {} : { webhookUrl }),
  ...(webhookSecret === undefined ? {} : { webhookSecret }),
})
const privateKeyPath = join(dataDirectory, 'private-key.pem')
await writeFile(privateKeyPath, github.privateKey, { mode: 0o600 })
const { url, apiUrl, appId, webhookSecret: secret, clientId, clientSecret, controlToken } = github
const shown = { url, apiUrl, appId, webhookSecret: secret, clientId, clientSecret, controlToken }
console.log(JSON.stringify({ ...shown, privateKeyPath, dataDirectory }))

const stop = async (): Promise<void> => {
  await github.close()
  if (given === undefined) await rm(dataDirectory, { recursive: true, force: true })
  process.exit(0)
}
process.once('SIGTERM', () => void stop())
process.once('SIGINT', () => void stop())
