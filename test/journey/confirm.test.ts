/** `CONFIRM=harmless`: everything is planned and shown, nothing outside changes; in earnest it goes on from there. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

const REPOSITORY = 'acme/careful'
const CONFIG = `version: 1
images: {web: {}}
pipeline:
  image: busybox
  stages: {test: {steps: [{name: look, commands: ["true"]}]}}
`

interface ShownRun {
  readonly runId: string
  readonly status: string
  readonly sha: string
  readonly startedAt: string | null
}

let slipway: SlipwayUnderTest
beforeAll(async () => {
  slipway = await startSlipway({ start: false })
})
afterAll(async () => {
  await slipway.close()
})

async function runsOf(sha: string): Promise<readonly ShownRun[]> {
  const { runs } = (await (await slipway.fetch('/runs')).json()) as { runs: readonly ShownRun[] }
  const whole = await Promise.all(
    runs.map(async ({ runId }) => (await (await slipway.fetch(`/run/${runId}`)).json()) as ShownRun),
  )
  return whole.filter((run) => run.sha === sha)
}

const writes = async (): Promise<readonly string[]> =>
  (await slipway.github.calls())
    .filter(({ method, path }) => method !== 'GET' && !path.endsWith('/access_tokens'))
    .map(({ method, path }) => `${method} ${path}`)

describe('a server that only plans', () => {
  it('keeps what a push asks for in the queue, and says nothing to GitHub, until it is started in earnest', async () => {
    const { github } = slipway
    await slipway.start({ CONFIRM: 'harmless' })
    await github.createRepository({
      owner: 'acme',
      name: 'careful',
      files: { '.github/slipway.yml': CONFIG, Dockerfile: 'FROM busybox\n' },
    })
    const planned = async (branch: string): Promise<string> => {
      const sha = await github.commit(REPOSITORY, { branch, files: { [branch]: branch } })
      await github.waitFor(async () => ((await runsOf(sha)).length === 2 ? true : undefined), {
        what: 'the planned runs',
      })
      return sha
    }
    const first = await planned('one')
    // By the time the second push has become runs, those of the first would have begun.
    await planned('two')
    expect((await runsOf(first)).map(({ status, startedAt }) => [status, startedAt])).toEqual([
      ['PENDING', null],
      ['PENDING', null],
    ])
    expect(await writes()).toEqual([])

    await slipway.process().stop()
    await slipway.start()
    expect((await github.completedCheck(REPOSITORY, first, 'deployability', 60_000)).conclusion).toBe('success')
    expect((await github.completedCheck(REPOSITORY, first, 'pipeline/test', 60_000)).conclusion).toBe('success')
  })
})
