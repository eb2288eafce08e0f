/** The same app under Probot's own command: what Probot receives becomes a stored delivery and a check run. */
import { spawn, type ChildProcess } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

let slipway: SlipwayUnderTest
let probot: ChildProcess
beforeAll(async () => {
  slipway = await startSlipway({ start: false })
  const port = await freePort()
  await slipway.github.setHook({ url: `http://127.0.0.1:${port}/api/github/webhooks` })
  const env = { ...slipway.env(), PORT: String(port), NODE_ENV: 'production' }
  probot = spawn(process.execPath, ['node_modules/probot/bin/probot.js', 'run', './dist/index.js'], {
    env,
    stdio: 'inherit',
  })
  await slipway.github.waitFor(
    async () =>
      (await fetch(`http://127.0.0.1:${port}/healthz`).then(
        (answer) => answer.ok,
        () => false,
      ))
        ? true
        : undefined,
    { what: 'Probot with our pages', timeout: 60_000 },
  )
})
afterAll(async () => {
  const ended = new Promise((resolve) => probot.once('exit', resolve))
  probot.kill('SIGTERM')
  await ended
  await slipway.close()
})

describe('probot run', () => {
  it('serves our pages and turns a push into a check run', async () => {
    const { github } = slipway
    const files = { '.github/slipway.yml': 'version: 1\nimages:\n  web: {}\n', Dockerfile: 'FROM busybox\n' }
    await github.createRepository({ owner: 'acme', name: 'plain', files: { 'README.md': 'x' } })
    const sha = await github.commit('acme/plain', { branch: 'feature', files })
    expect((await github.completedCheck('acme/plain', sha, 'deployability', 60_000)).conclusion).toBe('success')
  })
})
