/** A tag becomes a package: built in a container, downloadable, provably ours. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

const CONFIG = `version: 1
packages:
  mylib:
    tags: ["v*"]
    image: busybox
    commands: ["tar -cf mylib.tar src"]
    artifact: "*.tar"
`
const REPOSITORY = 'acme/mylib'
const searchAnswer = z.looseObject({ response: z.array(z.looseObject({ build_id: z.string() })) })

let slipway: SlipwayUnderTest
beforeAll(async () => {
  slipway = await startSlipway()
  await slipway.github.createRepository({
    owner: 'acme',
    name: 'mylib',
    files: { '.github/slipway.yml': CONFIG, 'src/a.txt': 'hello\n' },
  })
})
afterAll(async () => {
  await slipway.close()
})

describe('a pushed tag', () => {
  it('is built once and its artifact can be downloaded with its checksum', async () => {
    const { github } = slipway
    const sha = await github.tag(REPOSITORY, 'v1.0.0')
    const check = await github.completedCheck(REPOSITORY, sha, 'package/mylib@v1.0.0', 60_000)
    expect(check.conclusion).toBe('success')

    const found = searchAnswer.parse(await (await fetch(`${slipway.url}/search?name=mylib`)).json())
    expect(found).toMatchObject({
      result: true,
      response: [{ namespace: 'acme', name: 'mylib', version: 'v1.0.0', success: true }],
    })
    const download = await fetch(`${slipway.url}/download/${found.response[0]?.build_id}`)
    const bytes = Buffer.from(await download.arrayBuffer())
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect(download.headers.get('etag')).toContain(sha256)
    const known = await (await fetch(`${slipway.url}/api/v1/packages/acme/mylib`)).json()
    expect(known).toMatchObject({ full_name: 'acme/mylib', versions: 1, latest: 'v1.0.0' })
    const provenance = await fetch(`${slipway.url}/api/v1/artifacts/${sha256}/provenance`)
    expect(provenance.status).toBe(200)
    expect((await github.report()).problems).toEqual([])
  })

  it('is explained by its plan', async () => {
    const plan: unknown = await (await slipway.fetch(`/api/v1/plan?repository=${REPOSITORY}&tag=v1.0.0`)).json()
    expect(plan).toMatchObject({ runs: [{ name: 'package/mylib@v1.0.0', kind: 'package', outcome: 'exists' }] })
  })

  it('is found by reconciliation when more than three come at once', async () => {
    const { github } = slipway
    const sha = await github.commit(REPOSITORY, { branch: 'main', files: { 'src/b.txt': 'more' } })
    const tags = ['v2.0.0', 'v2.0.1', 'v2.0.2', 'v2.0.3']
    await github.tag(REPOSITORY, tags)
    await slipway.process().stop()
    await slipway.start()
    for (const tag of tags) {
      const check = await github.completedCheck(REPOSITORY, sha, `package/mylib@${tag}`, 90_000)
      expect(check.conclusion).toBe('success')
    }
  })
})
