/** The main job on real input: a push, a real Docker build, and what GitHub shows of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

const CONFIG = 'version: 1\nimages:\n  web: {dockerfile: Dockerfile}\n'
const GOOD = 'FROM busybox\nRUN echo hello > /hello\nCMD ["cat", "/hello"]\n'
const BROKEN = 'FROM busybox\nRUN echo fine\nRUN echo "cannot find the thing" && exit 3\n'

let slipway: SlipwayUnderTest
beforeAll(async () => {
  slipway = await startSlipway()
})
afterAll(async () => {
  await slipway.close()
})

describe('a push to a branch', () => {
  it('turns into a red deployability check with the failing line annotated, then a green one', async () => {
    const { github } = slipway
    const files = { '.github/slipway.yml': CONFIG, Dockerfile: BROKEN }
    const repository = await github.createRepository({ owner: 'acme', name: 'web', files: { 'README.md': '# web\n' } })
    const broken = await github.commit(repository.full_name, { branch: 'feature', files })
    const red = await github.completedCheck(repository.full_name, broken, 'deployability', 60_000)
    expect(red).toMatchObject({
      conclusion: 'failure',
      annotations: [{ path: 'Dockerfile', start_line: 3, annotation_level: 'failure' }],
    })
    expect(red.output.title).toContain('Dockerfile:3')
    expect(red.output.summary).toContain('cannot find the thing')

    const mended = await github.commit(repository.full_name, { branch: 'feature', files: { Dockerfile: GOOD } })
    const green = await github.completedCheck(repository.full_name, mended, 'deployability', 60_000)
    expect(green).toMatchObject({ conclusion: 'success', external_id: expect.stringMatching(/^[0-9a-f-]{36}$/) })
    expect(green.details_url).toBe(`${slipway.url}/runs/${green.external_id}`)
    expect((await github.report()).problems).toEqual([])
  })

  it('reuses the image of an identical tree instead of building it again', async () => {
    const { github } = slipway
    const same = await github.commit('acme/web', {
      branch: 'same',
      files: { Dockerfile: GOOD, '.github/slipway.yml': CONFIG },
    })
    await github.completedCheck('acme/web', same, 'deployability', 60_000)
    const again = await github.commit('acme/web', {
      branch: 'again',
      files: { Dockerfile: GOOD, '.github/slipway.yml': CONFIG },
      message: 'other commit, same tree',
    })
    const check = await github.completedCheck('acme/web', again, 'deployability', 60_000)
    expect(check.output.title).toContain('unchanged')
  })

  it('says on the line what is wrong with the file, and runs nothing else', async () => {
    const { github } = slipway
    const files = { '.github/slipway.yml': 'version: 1\nimages:\n  web: {dockerfle: Dockerfile}\n' }
    const sha = await github.commit('acme/web', { branch: 'typo', files })
    const check = await github.completedCheck('acme/web', sha, 'slipway', 30_000)
    expect(check.conclusion).toBe('failure')
    expect(check.annotations).toMatchObject([{ path: '.github/slipway.yml', start_line: 3 }])
    expect(await github.checkRuns('acme/web', sha)).toHaveLength(1)
  })

  it('shows the plan on a pull request that changes the file', async () => {
    const { github } = slipway
    const files = { '.github/slipway.yml': `${CONFIG}  second: {dockerfile: Dockerfile}\n`, Dockerfile: GOOD }
    const sha = await github.commit('acme/web', { branch: 'plan', files })
    await github.openPullRequest('acme/web', { head: 'plan' })
    const check = await github.completedCheck('acme/web', sha, 'slipway', 30_000)
    expect(check.conclusion).toBe('success')
    expect(check.output.title).toContain('2 images')
  })
})
