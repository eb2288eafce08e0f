/**
 * Checkouts on this machine that `/trigger` may name. A path is followed to where it really is and must end below the
 * root. The checkout's own git configuration can name programs, so nothing of it is run: its head commit is fetched
 * into a mirror of ours, and everything is read from there.
 */
import { createHash } from 'node:crypto'
import { realpath, stat } from 'node:fs/promises'
import { basename, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { RepositoryRef } from '../core/events.ts'
import type { CheckoutAnswer, Checkouts } from '../http/ports.ts'
import type { Mirrors } from './mirror.ts'
import { readBlob } from './read-commit.ts'
import { runGit } from './run-git.ts'

const MANIFEST_PATH = '.github/slipway.yml'
/** The reader of manifests refuses anything beyond its own limit with a better sentence. */
const LARGEST_MANIFEST_BYTES = 16 * 1024 * 1024

export interface CheckoutsOptions {
  /** `RUNNER_ROOT`; need not exist yet. */
  readonly root: string
  /** Mirrors of their own, which may read `file://`. */
  readonly mirrors: Mirrors
  /** Keeps a record of the repository, so that runs can belong to it. */
  readonly keepRepository: (repository: RepositoryRef) => Promise<void>
}

/** Repositories of this machine have negative ids; GitHub's are positive. */
export function isLocalRepository(repositoryId: number): boolean {
  return repositoryId < 0
}

/** What a local repository's mirror is called. */
export function localMirrorId(repositoryId: number): string {
  return `local-${-repositoryId}`
}

export function createCheckouts({ root, mirrors, keepRepository }: CheckoutsOptions): Checkouts {
  return {
    async open(directory, owner, name) {
      const real = await confined(root, directory)
      if (real === null) return { kind: 'refused', message: 'must be a git checkout below RUNNER_ROOT' }
      const head = await headOf(real)
      if (head === null) return { kind: 'refused', message: 'the git checkout there has no commit' }
      const repository = localRepository(owner, name, real)
      const refs = head.ref === 'HEAD' ? [] : [head.ref]
      const fetched = await mirrors.fetchCommit({
        repositoryId: localMirrorId(repository.id),
        cloneUrl: repository.cloneUrl,
        sha: head.sha,
        refs,
      })
      if ('message' in fetched) return { kind: 'refused', message: `its commit cannot be read: ${fetched.message}` }
      await keepRepository(repository)
      const manifest = await readBlob(
        mirrors.gitDir(localMirrorId(repository.id)),
        head.sha,
        MANIFEST_PATH,
        LARGEST_MANIFEST_BYTES,
      )
      return { kind: 'ok', repository, ...head, manifest: manifest ?? null } satisfies CheckoutAnswer
    },
  }
}

/** The real path of a folder below the root; null for anything else, also for what does not exist. */
async function confined(root: string, directory: string): Promise<string | null> {
  if (directory.includes('\0')) return null
  try {
    const realRoot = await realpath(root)
    const real = await realpath(resolve(realRoot, directory))
    return real.startsWith(realRoot + sep) && (await stat(real)).isDirectory() ? real : null
  } catch {
    return null
  }
}

const SHA = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/

/** Asked without reading the checkout's configuration for anything but where its objects are. */
async function headOf(directory: string): Promise<{ readonly sha: string; readonly ref: string } | null> {
  const remote = await runGit(['ls-remote', '--symref', pathToFileURL(directory).href, 'HEAD'], {
    config: { 'protocol.file.allow': 'always' },
  })
  if (remote.kind !== 'done') return null
  const lines = remote.stdout.toString('utf8').split('\n')
  const sha = lines
    .map((line) => line.split('\t'))
    .find(([first = '', name]) => name === 'HEAD' && SHA.test(first))?.[0]
  const ref = lines
    .map((line) => /^ref: (refs\/heads\/\S+)\tHEAD$/.exec(line)?.[1])
    .find((found) => found !== undefined)
  return sha === undefined ? null : { sha, ref: ref ?? 'HEAD' }
}

function localRepository(owner: string, name: string, directory: string): RepositoryRef {
  const digest = createHash('sha256').update(`${owner}/${name} ${directory}`).digest()
  return {
    // 48 bits: a number that JavaScript holds exactly.
    id: -(digest.readUIntBE(0, 6) + 1),
    // GitHub's names have no colon, so a local repository never stands in for one of GitHub's.
    owner: `local:${owner}`,
    name: name === '' ? basename(directory) : name,
    installationId: 0,
    isPrivate: true,
    defaultBranch: 'main',
    cloneUrl: pathToFileURL(directory).href,
    htmlUrl: '',
  }
}
