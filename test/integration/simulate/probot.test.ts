import { createServer } from 'node:http'
import { Probot } from 'probot'
import { createNodeMiddleware } from 'probot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ControlClient, SimulatedGitHub } from '../../../src/simulate/index.ts'
import { createControlClient, startSimulatedGitHub } from '../../../src/simulate/index.ts'

describe('a Probot app driven by the simulated GitHub', () => {
  let github: SimulatedGitHub
  let control: ControlClient
  const server = createServer()

  beforeAll(async () => {
    github = await startSimulatedGitHub()
    control = createControlClient(github)
    const host = new URL(github.url).host
    const env = {
      APP_ID: String(github.appId),
      PRIVATE_KEY: github.privateKey,
      WEBHOOK_SECRET: github.webhookSecret,
      GHE_HOST: host,
      GHE_PROTOCOL: 'http',
      LOG_LEVEL: 'fatal',
    }
    // As Probot reads GHE_HOST and GHE_PROTOCOL.
    const probot = new Probot({
      appId: github.appId,
      privateKey: github.privateKey,
      secret: github.webhookSecret,
      baseUrl: `http://${host}/api/v3`,
      logLevel: 'fatal',
    })
    const middleware = await createNodeMiddleware(
      (app) => {
        app.on('pull_request.opened', async (context) => {
          const config = await context.config('robot.yml')
          await context.octokit.rest.checks.create(
            context.repo({
              name: 'robot',
              head_sha: context.payload.pull_request.head.sha,
              conclusion: 'success',
              output: { title: 'Read', summary: JSON.stringify(config) },
            }),
          )
        })
      },
      { probot, webhooksPath: '/api/github/webhooks', env },
    )
    server.on('request', (request, response) => void middleware(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    await control.setHook({ url: `http://127.0.0.1:${address.port}/api/github/webhooks` })
    await control.createRepository({
      owner: 'alice',
      name: 'shop',
      files: { 'README.md': 'hello\n', '.github/robot.yml': 'greeting: hello\n' },
    })
  })
  afterAll(async () => {
    await github.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  it('receives events, reads its configuration and reports a check', async () => {
    const sha = await control.commit('alice/shop', { branch: 'work', files: { a: '1' } })
    await control.openPullRequest('alice/shop', { head: 'work' })
    const run = await control.completedCheck('alice/shop', sha, 'robot')
    expect(run).toMatchObject({ conclusion: 'success', output: { summary: '{"greeting":"hello"}' } })
    await control.delivered()
    const { problems, failedDeliveries } = await control.report()
    expect(problems).toEqual([])
    expect(failedDeliveries).toEqual([])
  })
})
