/** The main job: a push whose image is there already, the source of the next push, and a build with changes. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import { buildContext } from '../src/docker/build-context.ts'
import { buildImage } from '../src/docker/build-image.ts'
import { buildRequest } from '../src/docker/build-request.ts'
import { connectDockerHost } from '../src/docker/connect-host.ts'
import type { DockerEngine } from '../src/docker/engine.ts'
import { ownershipLabels } from '../src/docker/labels.ts'
import { sweepOwned } from '../src/docker/sweep.ts'
import { mirroredCommit, type MirroredCommit } from '../src/git/commit-tree.ts'
import { gitMirrors } from '../src/git/mirror.ts'
import { median, type BenchGroup, type BenchRow } from './support/bench-row.ts'
import { startBenchSlipway, type BenchSlipway } from './support/bench-slipway.ts'

const REPOSITORY = 'acme/bench'
const PUSHES = 12
const BUILDS = 7
/** The repository of the fact sheet: 200 files and some history. */
const FILES = 200
const COMMITS = 30
const PATIENCE_MS = 60_000
const BUILD_LIMIT_MS = 60_000

export const deployability: BenchGroup = {
  name: 'deployability',
  async run() {
    const slipway = await startBenchSlipway()
    try {
      await fillRepository(slipway)
      return [await unchanged(slipway), await source(slipway), await build(slipway)]
    } finally {
      await slipway.close()
    }
  },
}

async function fillRepository({ github }: BenchSlipway): Promise<void> {
  const [owner = '', name = ''] = REPOSITORY.split('/')
  const files = Object.fromEntries(
    Array.from({ length: FILES }, (_, n) => [`src/part-${n % 20}/file-${n}.txt`, `file ${n}\n`.repeat(60)]),
  )
  await github.createRepository({ owner, name, files })
  for (let n = 0; n < COMMITS; n += 1) {
    await github.commit(REPOSITORY, {
      branch: 'main',
      files: { [`src/part-${n % 20}/file-${n}.txt`]: `changed ${n}\n` },
    })
  }
}

/** From the delivery of the push until GitHub has the completed check, on GitHub's clock. */
async function unchanged(slipway: BenchSlipway): Promise<BenchRow> {
  const { github } = slipway
  const files = {
    '.github/slipway.yml': 'version: 1\nimages:\n  web: {dockerfile: Dockerfile}\n',
    Dockerfile: `FROM busybox\nRUN echo ${randomUUID()} > /id\n`,
  }
  const first = await github.commit(REPOSITORY, { branch: 'main', files })
  await github.completedCheck(REPOSITORY, first, 'deployability', PATIENCE_MS)
  const times: number[] = []
  for (let n = 0; n < PUSHES; n += 1) {
    const begun = Date.now()
    const sha = await github.commit(REPOSITORY, { branch: 'main', files: {}, message: `push ${n}` })
    const check = await github.completedCheck(REPOSITORY, sha, 'deployability', PATIENCE_MS)
    const delivered = (await github.deliveries()).findLast(
      ({ event, deliveredAt }) => event === 'push' && Date.parse(deliveredAt) >= begun,
    )
    const ended = check.history.findLast(({ status }) => status === 'completed')
    times.push(Date.parse(ended?.at ?? '') - Date.parse(delivered?.deliveredAt ?? ''))
  }
  const [value, floor] = [median(times), median(await twoCalls(slipway))]
  return {
    name: 'push to completed deployability, image unchanged',
    unit: 'ms',
    value,
    floor,
    ratio: value / floor,
    goal: 'floor + 30 ms',
    pass: value <= floor + 30,
  }
}

/** A check run made and completed, with a token that is there already. */
async function twoCalls({ github }: BenchSlipway): Promise<readonly number[]> {
  const app = await github.app()
  const [owner = '', repo = ''] = REPOSITORY.split('/')
  const { id } = await github.install(owner)
  const octokit = new Octokit({
    baseUrl: app.apiUrl,
    authStrategy: createAppAuth,
    auth: { appId: app.appId, privateKey: app.privateKey, installationId: id },
  })
  const { head } = await github.repository(REPOSITORY)
  const times: number[] = []
  for (let n = 0; n <= PUSHES; n += 1) {
    const begun = performance.now()
    const { data } = await octokit.rest.checks.create({
      owner,
      repo,
      name: `floor ${n}`,
      head_sha: head ?? '',
      status: 'queued',
    })
    await octokit.rest.checks.update({ owner, repo, check_run_id: data.id, status: 'completed', conclusion: 'success' })
    times.push(performance.now() - begun)
  }
  // The first call also fetches the token.
  return times.slice(1)
}

/** A commit more, fetched into the kept mirror and streamed as a build's context, against a shallow clone. */
async function source({ github, folder }: BenchSlipway): Promise<BenchRow> {
  const mirrors = gitMirrors(join(folder, 'bench-mirrors'))
  const { clone_url: cloneUrl } = await github.repository(REPOSITORY)
  const [ours, floor]: [number[], number[]] = [[], []]
  for (let n = 0; n <= PUSHES; n += 1) {
    const sha = await github.commit(REPOSITORY, { branch: 'source', files: { 'src/part-1/file-1.txt': `push ${n}\n` } })
    const begun = performance.now()
    await mirrors.fetchCommit({ repositoryId: 1, cloneUrl, token: undefined, sha, refs: ['refs/heads/source'] })
    await drained(mirroredCommit(mirrors.gitDir(1), sha))
    ours.push(performance.now() - begun)
    floor.push(await cloneShallow(cloneUrl))
  }
  // The first fetch makes the mirror.
  const [value, least] = [median(ours.slice(1)), median(floor.slice(1))]
  return {
    name: 'source for a repeat push',
    unit: 'ms',
    value,
    floor: least,
    ratio: value / least,
    goal: 'at most 0.5',
    pass: value <= 0.5 * least,
  }
}

async function drained(commit: MirroredCommit): Promise<void> {
  const stream = commit.archive('')
  stream.resume()
  await finished(stream)
}

async function cloneShallow(url: string): Promise<number> {
  const target = await mkdtemp(join(tmpdir(), 'slipway-clone-'))
  const begun = performance.now()
  await promisify(execFile)('git', [
    'clone',
    '--quiet',
    '--depth',
    '1',
    '--branch',
    'source',
    '--',
    url,
    join(target, 'clone'),
  ])
  const took = performance.now() - begun
  await rm(target, { recursive: true, force: true })
  return took
}

/** One changed layer: our build of a commit against the same request sent by hand. */
async function build({ github, folder }: BenchSlipway): Promise<BenchRow> {
  const host = connectDockerHost({ name: 'bench', endpoint: process.env['DOCKER_HOST'] ?? '/var/run/docker.sock' })
  const instance = `bench-${randomUUID()}`
  const mirrors = gitMirrors(join(folder, 'bench-mirrors'))
  const { clone_url: cloneUrl } = await github.repository(REPOSITORY)
  const labels = ownershipLabels('image', { instance })
  const [ours, floor]: [number[], number[]] = [[], []]
  try {
    for (let n = 0; n <= BUILDS; n += 1) {
      for (const times of [floor, ours]) {
        const files = { Dockerfile: `FROM busybox\nCOPY src /src\nRUN echo ${randomUUID()} > /id\n` }
        const sha = await github.commit(REPOSITORY, { branch: 'build', files })
        await mirrors.fetchCommit({ repositoryId: 1, cloneUrl, token: undefined, sha, refs: ['refs/heads/build'] })
        const commit = mirroredCommit(mirrors.gitDir(1), sha)
        const begun = performance.now()
        await (times === ours ? buildOurs : buildByHand)(host.engine, commit, labels)
        times.push(performance.now() - begun)
      }
    }
  } finally {
    await sweepOwned(host.engine, { instance }, () => false)
    host.close()
  }
  const [value, least] = [median(ours.slice(1)), median(floor.slice(1))]
  return {
    name: 'image build with changes',
    unit: 'ms',
    value,
    floor: least,
    ratio: value / least,
    goal: 'at most 1.05',
    pass: value <= 1.05 * least,
  }
}

async function buildOurs(
  engine: DockerEngine,
  commit: MirroredCommit,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  const context = await buildContext(commit, {
    dockerfile: 'Dockerfile',
    context: '.',
    includeGit: false,
    args: {},
    platform: 'linux/amd64',
  })
  if (context.kind !== 'ready') throw new Error(context.message)
  const result = await buildImage(
    engine,
    {
      dockerfile: context.dockerfile,
      dockerfileText: context.dockerfileText,
      openContext: () => context.open(),
      target: undefined,
      args: {},
      platform: 'linux/amd64',
      labels,
      builder: 'buildkit',
      noCache: false,
      allowFrontends: true,
      logins: {},
    },
    { emit: () => undefined, deadlineMs: BUILD_LIMIT_MS },
  )
  if (result.kind !== 'built') throw new Error(`the build ended as ${result.kind}`)
}

async function buildByHand(
  engine: DockerEngine,
  commit: MirroredCommit,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  const request = buildRequest(
    {
      dockerfile: 'Dockerfile',
      target: undefined,
      args: {},
      platform: 'linux/amd64',
      labels,
      noCache: false,
      logins: {},
    },
    'buildkit',
  )
  const stream = await engine.stream(request, { timeoutMs: BUILD_LIMIT_MS, upload: commit.archive('') })
  stream.resume()
  await finished(stream)
}
