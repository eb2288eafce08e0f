/** An image that is published: built once, found in the registry, and deployed by exactly the registry's digest. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectDockerHost } from '../../src/docker/connect-host.ts'
import { removeImage } from '../../src/docker/images.ts'
import { freePort, startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

const REPOSITORY = 'acme/shop'
const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
const serviceAnswer = z.looseObject({ live: z.looseObject({ image: z.string() }) })

let slipway: SlipwayUnderTest
let registry: ChildProcess
let folder = ''
let address = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-registry-'))
  address = `127.0.0.1:${await freePort()}`
  await writeFile(
    join(folder, 'config.yml'),
    `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/data}}\nhttp: {addr: "${address}"}\n`,
  )
  registry = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' })
  const proxy = await freePort()
  slipway = await startSlipway({
    serverFile: `
hosts:
  production: {endpoint: "unix:///var/run/docker.sock", proxy: {image: "haproxy:lts", http: ${proxy}}}
repositories:
  "acme/*": {hosts: [production], deploy_branches: [live]}
`,
  })
  const config = `version: 1
images:
  web:
    publish: [{branch: live, tag: "${address}/acme/web:live"}]
services:
  www: {image: web, branch: live, host: production, driver: container, bake: 1s}
`
  const files = { '.github/slipway.yml': config, Dockerfile: 'FROM busybox\nCMD ["sleep", "600"]\n' }
  await slipway.github.createRepository({ owner: 'acme', name: 'shop', files })
})
afterAll(async () => {
  await slipway.close()
  const ended = once(registry, 'exit')
  registry.kill()
  await ended
  await rm(folder, { recursive: true })
})

describe('a live branch whose image is published', () => {
  it('deploys by the digest that the registry has, without a second build', async () => {
    const { github } = slipway
    const sha = await github.commit(REPOSITORY, { branch: 'live', files: { VERSION: '1' } })
    const check = await github.completedCheck(REPOSITORY, sha, 'deploy/www', 90_000)
    expect(check.conclusion).toBe('success')

    const manifest = await fetch(`http://${address}/v2/acme/web/manifests/live`, { headers: { accept: MANIFEST } })
    const { live } = serviceAnswer.parse(await (await slipway.fetch('/api/v1/services/acme/shop/www')).json())
    const byDigest = `${address}/acme/web@${manifest.headers.get('docker-content-digest')}`
    expect(live.image).toBe(byDigest)
    const log = await (await slipway.fetch(`/runs/${check.external_id}/log.txt`)).text()
    expect(log).not.toContain('FROM busybox')
    await forgetName(`${address}/acme/web:live`)
  })
})

/** The tag is somebody's name for the image and not Slipway's to remove. */
async function forgetName(reference: string): Promise<void> {
  const host = connectDockerHost({ name: 'test', endpoint: '/var/run/docker.sock' })
  await removeImage(host.engine, reference)
  host.close()
}
