/** A Docker host dies, restarts or hangs in the middle of a build. The commit is never blamed for it. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPrivateDocker, type PrivateDocker } from '../support/docker-daemon.ts'
import { startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

const REPOSITORY = 'acme/hosts'
/** A silent host is given up after about 30 s, and waited for as long again. */
const PATIENCE_MS = 200_000

let docker: PrivateDocker
let folder: string
let line: TcpProxy
let slipway: SlipwayUnderTest
beforeAll(async () => {
  docker = await startPrivateDocker()
  folder = await mkdtemp(join(tmpdir(), 'slipway-line-'))
  const socket = join(folder, 'docker.sock')
  line = await startTcpProxy({ path: docker.socket }, socket)
  slipway = await startSlipway({ env: { DOCKER_HOST: socket } })
  await slipway.github.createRepository({
    owner: 'acme',
    name: 'hosts',
    files: { '.github/slipway.yml': 'version: 1\nimages:\n  web: {}\n', Dockerfile: 'FROM busybox\nRUN true\n' },
  })
})
afterAll(async () => {
  // The Engine first: nothing else would end it if the server did not start.
  await docker.stop()
  await line.stop()
  await rm(folder, { recursive: true, force: true })
  await slipway.close()
})

/** A push whose image takes a few seconds, seen until its step runs. */
async function building(branch: string, seconds = 5): Promise<string> {
  const dockerfile = `FROM busybox\nRUN echo ${randomUUID()} && sleep ${seconds}\n`
  const sha = await slipway.github.commit(REPOSITORY, { branch, files: { Dockerfile: dockerfile } })
  await slipway.github.waitFor(
    async () =>
      (await slipway.github.checkRuns(REPOSITORY, sha)).find(
        (run) => run.output.title?.startsWith('Building') === true,
      ),
    { what: 'a build', timeout: 60_000 },
  )
  return sha
}

describe('an image is built once more and the check tells the truth', () => {
  it('when the Engine is killed in the middle and comes back', async () => {
    const sha = await building('killed')
    await docker.kill()
    await docker.restart()
    const check = await slipway.github.completedCheck(REPOSITORY, sha, 'deployability', PATIENCE_MS)
    expect([check.conclusion, check.output.title]).toEqual(['success', expect.any(String)])
    expect(await slipway.github.checkRuns(REPOSITORY, sha)).toHaveLength(1)
  })

  it('when the Engine is restarted in the middle', async () => {
    const sha = await building('restarted')
    await docker.restart()
    const check = await slipway.github.completedCheck(REPOSITORY, sha, 'deployability', PATIENCE_MS)
    expect([check.conclusion, check.output.title]).toEqual(['success', expect.any(String)])
  })

  it('when the line to the host breaks', async () => {
    const sha = await building('cut')
    line.cut()
    const check = await slipway.github.completedCheck(REPOSITORY, sha, 'deployability', PATIENCE_MS)
    expect([check.conclusion, check.output.title]).toEqual(['success', expect.any(String)])
  })
})

describe('a host that hangs', () => {
  it(
    'is named as the cause; the commit is not',
    async () => {
      const sha = await building('hung', 600)
      line.stall()
      const check = await slipway.github.completedCheck(REPOSITORY, sha, 'deployability', PATIENCE_MS)
      expect(check.conclusion).toBe('failure')
      expect(check.output.title).toMatch(/^Slipway failed, not your commit: .*does not answer/)
      expect(check.annotations).toEqual([])
      const ready = await fetch(`${slipway.url}/readyz`)
      expect(ready.status).toBe(503)
      line.heal()
    },
    PATIENCE_MS,
  )
})
