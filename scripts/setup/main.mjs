/** `npm run setup -- [--chromium] [--postgres] ...`: only the set-up; each flag names one extra of the tests. */
import { announce } from './announce.mjs'
import { FEATURES, setUp } from './set-up.mjs'

const asked = process.argv.slice(2).map((flag) => flag.replace(/^--/, ''))
const unknown = asked.filter((name) => name !== 'all' && !FEATURES.includes(name))
if (unknown.length > 0) {
  announce(`unknown: ${unknown.join(', ')}; there are --all, ${FEATURES.map((name) => `--${name}`).join(', ')}`)
  process.exitCode = 2
} else {
  await setUp({ announce, features: asked.includes('all') ? FEATURES : asked })
  announce('this machine is set up')
}
