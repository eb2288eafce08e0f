/**
 * Kept bare mirrors of repositories, one folder for each repository id below the data directory.
 *
 * A mirror only ever grows. A commit is fetched when it is not there yet, so a repeated push, a re-run or a second
 * consumer of the same commit costs one look into the object store. What was fetched is kept by a ref of ours per
 * commit (refs/slipway/<sha>), because a force-push takes a commit out of every branch while its run still needs it.
 *
 * Crashes: a mirror is made beside its place and moved there whole, so half a clone is never a mirror; lock files that
 * a killed git left behind are removed before writing, which is safe because our own lock (mirror-lock.ts) keeps other
 * writers out; a mirror that git calls damaged is thrown away and made again.
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SlipwayError } from '../core/errors.ts'
import { gitOutput, runGit } from './run-git.ts'
import { explainFetch } from './explain-fetch.ts'
import type { FetchAttempt, FetchResult } from './explain-fetch.ts'
import { withMirrorLock } from './mirror-lock.ts'

export type { FetchResult } from './explain-fetch.ts'

export interface CommitSource {
  /** GitHub's number of the repository; a rename keeps it. */
  readonly repositoryId: string | number
  readonly cloneUrl: string
  /** An installation token; sent as a header, kept nowhere. */
  readonly token?: string | undefined
  readonly sha: string
  /** Full names of refs that hold the commit, tried where the server does not give commits by sha. */
  readonly refs?: readonly string[]
}

export interface Mirrors {
  /** Folder of a repository's mirror, for the functions of read-commit.ts. */
  gitDir(repositoryId: string | number): string
  fetchCommit(source: CommitSource, signal?: AbortSignal): Promise<FetchResult>
  /** Throws the mirror away and fetches anew; for a reader that met a damaged object. */
  refetch(source: CommitSource, signal?: AbortSignal): Promise<FetchResult>
  /** Forgets every commit but these, and gives the space back. */
  prune(repositoryId: string | number, keep: ReadonlySet<string>): Promise<void>
  remove(repositoryId: string | number): Promise<void>
}

export interface MirrorOptions {
  /** Also lets `file://` addresses through; for tests and `slipway run`. */
  readonly allowFileProtocol?: boolean
}

const FETCH_TIMEOUT_MS = 10 * 60_000
/** Repacking reads the whole history once. */
const GC_TIMEOUT_MS = 30 * 60_000
/** A transfer slower than this for a minute has stalled. */
const STALL = { 'http.lowSpeedLimit': '1000', 'http.lowSpeedTime': '60' }

export function gitMirrors(directory: string, options: MirrorOptions = {}): Mirrors {
  const gitDir = (repositoryId: string | number): string => join(directory, `${repositoryFolder(repositoryId)}.git`)
  const fetchAnew = async (source: CommitSource, signal: AbortSignal | undefined): Promise<FetchResult> => {
    const mirror = gitDir(source.repositoryId)
    await rm(mirror, { recursive: true, force: true })
    await createMirror(mirror)
    const result = await fetchInto(mirror, source, options, signal)
    if (result.kind !== 'damaged') return result
    throw new SlipwayError('internal', `the mirror cannot be made: ${result.message}`)
  }
  return {
    gitDir,
    fetchCommit: async (source, signal) => {
      checkSource(source, options)
      const mirror = gitDir(source.repositoryId)
      if (await hasCommit(mirror, source.sha)) return { kind: 'present' }
      return withMirrorLock(mirror, async () => {
        if (await hasCommit(mirror, source.sha)) return { kind: 'present' }
        if (!existsSync(mirror)) return fetchAnew(source, signal)
        await removeStaleLocks(mirror)
        const result = await fetchInto(mirror, source, options, signal)
        return result.kind === 'damaged' ? fetchAnew(source, signal) : result
      })
    },
    refetch: async (source, signal) => {
      checkSource(source, options)
      return withMirrorLock(gitDir(source.repositoryId), () => fetchAnew(source, signal))
    },
    prune: (repositoryId, keep) => withMirrorLock(gitDir(repositoryId), () => pruneMirror(gitDir(repositoryId), keep)),
    remove: (repositoryId) =>
      withMirrorLock(gitDir(repositoryId), () => rm(gitDir(repositoryId), { recursive: true, force: true })),
  }
}

/**
 * Our ref is written after everything that the commit needs has arrived; the bare object would prove nothing. The ref
 * is read as a file, since this question is asked before every run and a process costs more than all the rest of it.
 */
export async function hasCommit(gitDir: string, sha: string): Promise<boolean> {
  const content = await readFile(join(gitDir, keepRef(sha)), 'utf8').catch(() => '')
  return content.trim() === sha
}

async function pruneMirror(mirror: string, keep: ReadonlySet<string>): Promise<void> {
  if (!existsSync(mirror)) return
  await removeStaleLocks(mirror)
  const kept = await readdir(join(mirror, 'refs', 'slipway')).catch(() => [])
  await Promise.all(kept.filter((sha) => !keep.has(sha)).map((sha) => rm(join(mirror, keepRef(sha)), { force: true })))
  // Refs stay files of their own; see hasCommit.
  await gitOutput(['gc', '--quiet', '--prune=now'], {
    gitDir: mirror,
    config: { 'gc.packRefs': 'false' },
    timeoutMs: GC_TIMEOUT_MS,
  })
}

async function createMirror(mirror: string): Promise<void> {
  const parent = join(mirror, '..')
  await mkdir(parent, { recursive: true })
  const fresh = `${mirror}.${process.pid}.new`
  await rm(fresh, { recursive: true, force: true })
  await gitOutput(['init', '--bare', '--quiet', '--template=', fresh])
  // A repository's own export rules would leave files out of the archive that a checkout has.
  await mkdir(join(fresh, 'info'), { recursive: true })
  await writeFile(join(fresh, 'info', 'attributes'), '* -export-ignore -export-subst\n')
  await rename(fresh, mirror)
}

async function removeStaleLocks(mirror: string): Promise<void> {
  const entries = await readdir(mirror, { recursive: true })
  await Promise.all(
    entries.filter((name) => name.endsWith('.lock')).map((name) => rm(join(mirror, name), { force: true })),
  )
}

async function fetchInto(
  mirror: string,
  source: CommitSource,
  options: MirrorOptions,
  signal: AbortSignal | undefined,
): Promise<FetchAttempt> {
  const bySha = await fetchRefs(mirror, source, [`+${source.sha}:${keepRef(source.sha)}`], options, signal)
  if (bySha.kind !== 'missing' || source.refs === undefined || source.refs.length === 0) return bySha
  // Servers before protocol v2 give only what a ref names.
  const byRef = await fetchRefs(
    mirror,
    source,
    source.refs.map((ref) => `+${ref}`),
    options,
    signal,
  )
  if (byRef.kind !== 'fetched') return byRef
  const kept = await runGit(['update-ref', keepRef(source.sha), source.sha], { gitDir: mirror })
  return kept.kind === 'done'
    ? byRef
    : { kind: 'missing', message: `${source.sha} is in none of ${source.refs.join(', ')}` }
}

async function fetchRefs(
  mirror: string,
  source: CommitSource,
  refspecs: readonly string[],
  options: MirrorOptions,
  signal: AbortSignal | undefined,
): Promise<FetchAttempt> {
  const argv = [
    'fetch',
    '--quiet',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-recurse-submodules',
    '--no-auto-gc',
    '--',
    source.cloneUrl,
    ...refspecs,
  ]
  const config = { ...STALL, ...protocols(options), ...credentials(source) }
  const result = await runGit(argv, { gitDir: mirror, config, timeoutMs: FETCH_TIMEOUT_MS, signal })
  return result.kind === 'done' ? { kind: 'fetched' } : explainFetch(result.stderr)
}

function protocols(options: MirrorOptions): Readonly<Record<string, string>> {
  return {
    'protocol.https.allow': 'always',
    'protocol.http.allow': 'always',
    ...(options.allowFileProtocol === true ? { 'protocol.file.allow': 'always' } : {}),
  }
}

/** GitHub takes an installation token as the password of a fixed user. A redirect to another host must not carry it along. */
function credentials(source: CommitSource): Readonly<Record<string, string>> {
  const refuseRedirects = { 'http.followRedirects': 'false' }
  if (source.token === undefined) return refuseRedirects
  const basic = Buffer.from(`x-access-token:${source.token}`).toString('base64')
  return { ...refuseRedirects, 'http.extraHeader': `Authorization: Basic ${basic}` }
}

function keepRef(sha: string): string {
  return `refs/slipway/${sha}`
}

function repositoryFolder(repositoryId: string | number): string {
  const name = String(repositoryId)
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(name))
    throw new SlipwayError('request_invalid', `${JSON.stringify(name)} is not a repository id`)
  return name
}

function checkSource(source: CommitSource, options: MirrorOptions): void {
  const schemes = options.allowFileProtocol === true ? /^(https?|file):\/\// : /^https?:\/\//
  if (!schemes.test(source.cloneUrl))
    throw new SlipwayError('request_invalid', 'a repository is cloned over http or https')
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(source.sha))
    throw new SlipwayError('request_invalid', `${JSON.stringify(source.sha)} is not a commit's sha`)
  for (const ref of source.refs ?? []) {
    if (!ref.startsWith('refs/') || /[:\0*]/.test(ref))
      throw new SlipwayError('request_invalid', `${JSON.stringify(ref)} is not the full name of a ref`)
  }
}
