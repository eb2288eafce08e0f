/** A push to the live branch: the service answers, a bad push undoes itself, GitHub is told the truth. */
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

const CONFIG = `version: 1
images:
  web: {}
services:
  www:
    image: web
    branch: live
    host: production
    driver: container
    port: 8080
    domains: [www.example.test]
    bake: 2s
    healthcheck: {path: /, interval: 1s, timeout: 1s, deadline: 15s}
`
const dockerfile = (text: string) =>
  `FROM busybox\nRUN mkdir /www && echo '${text}' > /www/index.html\nCMD ["httpd", "-f", "-p", "8080", "-h", "/www"]\n`
const REPOSITORY = 'acme/shop'

let slipway: SlipwayUnderTest
let proxyPort = 0
beforeAll(async () => {
  proxyPort = await freePort()
  slipway = await startSlipway({
    serverFile: `
hosts:
  production:
    endpoint: unix:///var/run/docker.sock
    proxy: {image: "haproxy:lts", http: ${proxyPort}}
repositories:
  "acme/*":
    hosts: [production]
    deploy_branches: [live]
`,
  })
  await slipway.github.createRepository({
    owner: 'acme',
    name: 'shop',
    files: { '.github/slipway.yml': CONFIG, Dockerfile: dockerfile('zero') },
  })
})
afterAll(async () => {
  await slipway.close()
})

async function page(): Promise<string> {
  return await new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port: proxyPort, path: '/', headers: { host: 'www.example.test' } },
      (answer) => {
        let text = ''
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
        answer.on('end', () => resolve(text))
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

describe('a push to the live branch', () => {
  it('deploys a service that answers, then replaces it, then undoes a bad one by itself', async () => {
    const { github } = slipway
    const first = await github.commit(REPOSITORY, { branch: 'live', files: { Dockerfile: dockerfile('first') } })
    const deployed = await github.completedCheck(REPOSITORY, first, 'deploy/www', 90_000)
    expect(deployed.output.title).toBeTruthy()
    expect(deployed.conclusion).toBe('success')
    expect(await page()).toContain('first')

    const second = await github.commit(REPOSITORY, { branch: 'live', files: { Dockerfile: dockerfile('second') } })
    expect((await github.completedCheck(REPOSITORY, second, 'deploy/www', 90_000)).conclusion).toBe('success')
    expect(await page()).toContain('second')

    const bad = await github.commit(REPOSITORY, {
      branch: 'live',
      files: { Dockerfile: 'FROM busybox\nCMD ["sh", "-c", "echo no database; exit 1"]\n' },
    })
    const failed = await github.completedCheck(REPOSITORY, bad, 'deploy/www', 90_000)
    expect(failed.conclusion).toBe('failure')
    expect(`${failed.output.title} ${failed.output.summary}`).toContain(second.slice(0, 7))
    expect(await page()).toContain('second')

    const { deployments } = await github.reports(REPOSITORY, second)
    expect(deployments[0]?.statuses.map((status) => status.state)).toContain('success')
    // Statuses follow the check run within the same outbox.
    await github.waitFor(
      async () =>
        (await github.reports(REPOSITORY, bad)).deployments[0]?.statuses.at(-1)?.state === 'failure' ? true : undefined,
      { what: 'the failed deployment on GitHub' },
    )
    expect(await (await slipway.fetch('/services.md')).text()).toContain('www')
    expect((await github.report()).problems).toEqual([])
  })
})
