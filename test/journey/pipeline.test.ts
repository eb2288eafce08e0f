/** A pipeline on real input: stages in order, an instance from the pool, an artifact, a failing step on its line. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

const SERVER = `
pools:
  default:
    instances:
      - {domain: ci1.example.com, token: first-token-of-the-pool}
repositories:
  "acme/*":
    pools: [default]
    secrets: {DEPLOY_KEY: very-secret-value}
`
const CONFIG = `version: 1
pipeline:
  on: {push: {}}
  image: busybox
  stages:
    build:
      artifacts: {paths: ["out/**"]}
      steps: [{name: make, commands: ["mkdir out", "echo $SLIPWAY_SHA > out/sha.txt"]}]
    test:
      depends_on: [build]
      pool: {name: default}
      secrets: [DEPLOY_KEY]
      steps: [{name: ask, commands: ["echo instance $SLIPWAY_INSTANCE_DOMAIN $MPKIT_URL", "echo key $DEPLOY_KEY", "test -n \\"$MPKIT_TOKEN\\""]}]
    lint:
      matrix: {axes: {level: ["1", "2"]}}
      steps: [{name: look, commands: ["echo src/a.c:3:5: something is off at $SLIPWAY_MATRIX_LEVEL", "exit 4"]}]
`
const REPOSITORY = 'acme/piped'

let slipway: SlipwayUnderTest
beforeAll(async () => {
  slipway = await startSlipway({ serverFile: SERVER })
  await slipway.github.createRepository({
    owner: 'acme',
    name: 'piped',
    files: { '.github/slipway.yml': CONFIG, 'src/a.c': 'a\nb\nc\nd\n' },
  })
})
afterAll(async () => {
  await slipway.close()
})

describe('a push to a repository with a pipeline', () => {
  it('runs its stages by readiness, holds an instance for the one that asks, and frees it', async () => {
    const { github } = slipway
    const sha = await github.commit(REPOSITORY, { branch: 'feature', files: { 'x.txt': '1' } })
    const build = await github.completedCheck(REPOSITORY, sha, 'pipeline/build', 60_000)
    const test = await github.completedCheck(REPOSITORY, sha, 'pipeline/test', 60_000)
    expect([build.conclusion, test.conclusion]).toEqual(['success', 'success'])

    const log = await (await slipway.fetch(`/api/v1/runs/${test.external_id}/logs`)).text()
    expect(log).toContain('instance ci1.example.com https://ci1.example.com')
    expect(log).not.toContain('very-secret-value')
    const artifacts = await (await slipway.fetch(`/run/${build.external_id}/artifacts`)).json()
    expect(artifacts).toMatchObject({ runId: build.external_id, artefacts: [{ path: 'out/sha.txt', size: 41 }] })
    const instances = await (await slipway.fetch('/api/instances')).json()
    expect(instances).toMatchObject([{ domain: 'ci1.example.com', available: 'true', reserved_by: null }])
  })

  it('shows each combination of a matrix, and a compiler’s line as an annotation', async () => {
    const { github } = slipway
    const sha = await github.commit(REPOSITORY, { branch: 'other', files: { 'x.txt': '2' } })
    const first = await github.completedCheck(REPOSITORY, sha, 'pipeline/lint (level=1)', 60_000)
    expect(first.conclusion).toBe('failure')
    expect(first.annotations).toMatchObject([{ path: 'src/a.c', start_line: 3 }])
    expect((await github.report()).problems).toEqual([])
  })
})
