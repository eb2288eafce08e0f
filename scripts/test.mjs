/**
 * `npm test`: sets this machine up with everything the tests use, checks the code, runs every test. The last line counts
 * them (the check counts as one); the exit code is 0 only when all of it passed. Arguments go to vitest.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { announce } from './setup/announce.mjs'
import { FEATURES, setUp } from './setup/set-up.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

await setUp({ announce, features: FEATURES, optional: true })
announce('checking types, style, layers and generated files')
const checked = (await run('scripts/check.mjs', [])) === 0

announce('running the tests')
const reports = await mkdtemp(join(tmpdir(), 'slipway-report-'))
const reportFile = join(reports, 'report.json')
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
const code = await run('node_modules/vitest/vitest.mjs', ['run', ...reporters, ...process.argv.slice(2)])
const counted = await count(reportFile)
await rm(reports, { recursive: true })

const passed = counted.passed + (checked ? 1 : 0)
// A run that failed without a failed test (a file that does not load, an error outside a test) is a failure too.
const failed = Math.max(counted.failed, code === 0 ? 0 : 1) + (checked ? 0 : 1)
process.exitCode = failed === 0 ? 0 : 1
console.log(`${passed} passed, ${failed} failed`)

async function count(file) {
  const text = await readFile(file, 'utf8').catch(() => '{}')
  const { numPassedTests = 0, numFailedTests = 0, numFailedTestSuites = 0 } = JSON.parse(text)
  return { passed: numPassedTests, failed: Math.max(numFailedTests, numFailedTestSuites === 0 ? 0 : 1) }
}

function run(script, args) {
  return new Promise((settle) => {
    const child = spawn(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' })
    child.on('close', (code) => settle(code ?? 1))
  })
}
