/** `npm start`: the server, in this very process, so that signals and memory are the server's own. */
import { ensureBuilt } from './build.mjs'

await ensureBuilt({ announce: (text) => console.error(text) })
await import('../dist/main.js')
