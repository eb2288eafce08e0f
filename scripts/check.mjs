/** `npm run check`: everything that can be known without running the program. All parts run, then the verdict. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const node = (script, ...args) => [process.execPath, [fileURLToPath(new URL(script, import.meta.url)), ...args]]
const tool = (name, ...args) => [fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url)), args]

/** Longest first: two run at a time. */
const CHECKS = {
  types: tool('tsc', '--incremental', '--tsBuildInfoFile', 'node_modules/.cache/tsc.json'),
  lint: tool('oxlint'),
  layers: tool('depcruise', 'src', 'migrations', 'test', '--output-type', 'err'),
  unused: tool('knip'),
  generated: node('./generate.mjs', '--check'),
  format: tool('oxfmt', '--check'),
}
const AT_ONCE = 2

const waiting = Object.entries(CHECKS)
const failed = []
await Promise.all(Array.from({ length: AT_ONCE }, runNext))
if (failed.length > 0) {
  console.log(`check failed: ${failed.join(', ')}`)
  process.exitCode = 1
}

async function runNext() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, [command, args]] = next
    const { code, text } = await run(command, args)
    console.log(`${code === 0 ? 'ok' : 'FAILED'}  ${name}`)
    if (code === 0) continue
    console.log(text)
    failed.push(name)
  }
}

function run(command, args) {
  return new Promise((settle) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const parts = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => parts.push(part))
    child.on('error', (error) => settle({ code: 1, text: error.message }))
    child.on('close', (code) => settle({ code: code ?? 1, text: Buffer.concat(parts).toString() }))
  })
}
