/** Image builds on real parts: sources from the git mirror, contexts as tar streams, BuildKit on the Docker host. */
import { errorMessage, SlipwayError } from '../core/errors.ts'
import type { RepositoryRef } from '../core/events.ts'
import { reveal } from '../core/secret.ts'
import type { ImageConfig } from '../config/repository-config.ts'
import { buildContext, type BuildContext, type CommitTree } from '../docker/build-context.ts'
import type { BuildEvent } from '../docker/build-events.ts'
import { buildImage, type ImageBuildResult } from '../docker/build-image.ts'
import { inspectImage, pushImage, tagImage } from '../docker/images.ts'
import { ownershipLabels } from '../docker/labels.ts'
import type { RegistryLogins } from '../docker/registry-auth.ts'
import { gitFolder } from '../git/git-folder.ts'
import { archive, readBlob, treeSha } from '../git/read-commit.ts'
import type { BuildLog, BuildOutcome, CommitSource, ImageBuilder, ImagePublisher } from '../images/index.ts'
import { untilHostAnswers, whileHostAnswers } from '../docker/watch-host.ts'
import type { Foundation } from './foundation.ts'

/** An Engine that restarts is back within seconds; a build waits this long for it. */
const HOST_RETURN_MS = 20_000

/** The commit in the mirror, and how to make a context of it. */
interface MirrorSource extends CommitSource {
  context(image: ImageConfig, platform: string): Promise<BuildContext>
}

export function createImageBuilder(base: Foundation): ImageBuilder {
  // Sources are only ever made here; a port's caller hands back what it was given.
  const sources = new WeakMap<CommitSource, MirrorSource>()
  return {
    async openSource(repository, sha, ref) {
      const source = await openMirrorSource(base, repository, sha, ref)
      sources.set(source, source)
      return source
    },
    awaitHost: (host, signal) => untilHostAnswers(base.hosts.host(host).engine, HOST_RETURN_MS, signal),
    hasImage: async (host, imageId) => (await inspectImage(base.hosts.host(host).engine, imageId)) !== undefined,
    async build({ target, source, trust, runId, useCache, log, signal }) {
      const { image, platform, host } = target
      const mirrored = sources.get(source)
      if (mirrored === undefined) throw new SlipwayError('internal', 'a source that was not opened here')
      const context = await mirrored.context(image, platform)
      if (context.kind === 'invalid') return invalidContext(context)
      const isFork = trust === 'fork'
      const { engine } = base.hosts.host(host)
      const watched = await whileHostAnswers(engine, signal, (watchedSignal) =>
        buildImage(
          engine,
          {
            dockerfile: context.dockerfile,
            dockerfileText: context.dockerfileText,
            openContext: () => context.open(),
            target: image.target ?? undefined,
            args: image.args,
            platform,
            labels: ownershipLabels('image', { instance: base.instanceId, run: runId }),
            // A fork's steps leave nothing in the cache that trusted builds read: those use BuildKit.
            builder: isFork ? 'classic' : 'buildkit',
            noCache: isFork || !useCache,
            allowFrontends: !isFork,
            logins: isFork ? {} : registryLogins(base),
          },
          { emit: (event) => writeEvent(log, event), signal: watchedSignal, deadlineMs: image.timeoutMs },
        ),
      )
      if (watched.kind === 'silent')
        return { kind: 'infrastructure', message: `Docker host ${host} does not answer any more` }
      return outcomeOf(watched.result, image)
    },
  }
}

async function openMirrorSource(
  base: Foundation,
  repository: RepositoryRef,
  sha: string,
  ref: string,
): Promise<MirrorSource> {
  const tree = await openCommit(base, repository, sha, ref)
  const context = (image: ImageConfig, platform: string): Promise<BuildContext> =>
    buildContext(tree, {
      dockerfile: image.dockerfile,
      context: image.context,
      includeGit: image.includeGit,
      target: image.target ?? undefined,
      args: image.args,
      platform,
    })
  return {
    context,
    async inputsDigest(image, platform) {
      const made = await context(image, platform)
      // A context that cannot be made has no image to look up; the build says what is wrong with it.
      return made.kind === 'ready' ? made.inputsDigest : `invalid:${sha}:${image.key}`
    },
  }
}

/** Fetches the commit into the repository's mirror and opens it. */
export async function openCommit(
  base: Foundation,
  repository: RepositoryRef,
  sha: string,
  ref: string,
): Promise<CommitTree & { readonly gitDir: string }> {
  const { mirrors } = base
  const token = repository.isPrivate ? reveal(await base.cloneToken(repository)) : undefined
  const fetched = await mirrors.fetchCommit({
    repositoryId: repository.id,
    cloneUrl: repository.cloneUrl,
    token,
    sha,
    refs: [ref],
  })
  if (fetched.kind === 'missing')
    throw new SlipwayError('not_found', `the commit ${sha.slice(0, 12)} is not in the repository any more`)
  if (fetched.kind === 'refused') throw new SlipwayError('github_refused', `git refuses: ${fetched.message}`)
  if (fetched.kind === 'unreachable')
    throw new SlipwayError('github_unavailable', `git does not answer: ${fetched.message}`)
  const gitDir = mirrors.gitDir(repository.id)
  return {
    gitDir,
    sha,
    archive: (folder) => archive(gitDir, sha, folder),
    readBlob: (path) => readBlob(gitDir, sha, path),
    treeSha: (path) => treeSha(gitDir, sha, path),
    gitFolder: () => gitFolder(gitDir, sha),
  }
}

function invalidContext(context: Extract<BuildContext, { kind: 'invalid' }>): BuildOutcome {
  return {
    kind: 'failed',
    message: context.message,
    step: null,
    exitCode: null,
    location: { path: context.path, startLine: 1, endLine: 1 },
  }
}

function outcomeOf(result: ImageBuildResult, image: ImageConfig): BuildOutcome {
  switch (result.kind) {
    case 'built':
      return { kind: 'built', imageId: result.imageId }
    case 'failed':
      return {
        kind: 'failed',
        message: result.message,
        step: result.step ?? null,
        exitCode: result.exitCode ?? null,
        location:
          result.lines === undefined
            ? null
            : { path: image.dockerfile, startLine: result.lines.start, endLine: result.lines.end },
      }
    case 'aborted':
    case 'timed_out':
      return { kind: 'aborted' }
    case 'infrastructure':
      return result
  }
}

function writeEvent(log: BuildLog, event: BuildEvent): void {
  switch (event.kind) {
    case 'step_started':
      return log.note(`#${event.step} ${event.name}`)
    case 'output':
      return log.write(event.bytes)
    case 'step_finished':
      if (event.cached) log.note(`#${event.step} from the cache`)
      return
    case 'note':
      return log.note(event.text)
  }
}

export function registryLogins(base: Foundation): RegistryLogins {
  return Object.fromEntries(
    base
      .serverConfig()
      .registries.map(({ host, username, password }) => [host, { username, password: reveal(password) }]),
  )
}

export function createImagePublisher(base: Foundation): ImagePublisher {
  return {
    async publish(host, imageId, reference, signal) {
      const { engine } = base.hosts.host(host)
      await tagImage(engine, imageId, reference)
      try {
        const pushed = await pushImage(engine, reference, { logins: registryLogins(base), signal })
        if (pushed.kind === 'failed') throw new SlipwayError('host_refused', `${reference}: ${pushed.message}`)
        return { digest: pushed.digest }
      } catch (error) {
        if (error instanceof SlipwayError) throw error
        throw new SlipwayError('host_refused', `${reference}: ${errorMessage(error)}`, { cause: error })
      }
      // The tag stays: without one, the Engine would remove the image, and forget under which digest the registry has it.
    },
  }
}
