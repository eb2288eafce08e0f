/** `npm run bench -- [name ...]`: the figures of the README, each as a ratio to a floor taken in the same run. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { announce } from './setup/announce.mjs'
import { setUp } from './setup/set-up.mjs'

await setUp({ announce, features: [] })
const bench = spawn(process.execPath, ['--import', 'tsx', 'bench/main.ts', ...process.argv.slice(2)], {
  cwd: new URL('..', import.meta.url),
  stdio: 'inherit',
})
const [code] = await once(bench, 'exit')
process.exitCode = code ?? 1
