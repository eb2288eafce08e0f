/** `npm run demo`: sets this machine up, then plays the story with the `demo` command of the CLI. */
import { ensureBuilt } from './build.mjs'
import { announce } from './setup/announce.mjs'
import { setUp } from './setup/set-up.mjs'

await setUp({ announce, features: ['haproxy-image'] })
await ensureBuilt({ announce })
process.argv.splice(2, 0, 'demo')
await import('../dist/cli.js')
