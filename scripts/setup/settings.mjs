/** The two settings the set-up needs, read as Slipway reads them: the environment first, then `.env`. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export async function readSettings() {
  const { config } = await import('dotenv')
  const { parsed = {} } = config({ path: resolve(root, '.env'), processEnv: {}, quiet: true })
  const read = (name, otherwise) => process.env[name] || parsed[name] || otherwise
  return {
    dataDir: resolve(root, read('DATA_DIR', './data')),
    dockerHost: read('DOCKER_HOST', '/var/run/docker.sock'),
  }
}
