// Starts `heartbeat-worker.ts` where the sources run without a build: `--import tsx` has no effect in a worker thread,
// so the loader is registered here, by a file that plain Node can read.
import { register } from 'tsx/esm/api'

register()
await import('./heartbeat-worker.ts')
