/**
 * The context of an image build, straight from git's objects: nothing is checked out, so nothing of a hostile tree ever
 * meets a file system of ours. What Docker does on the client's side happens here: the ignore file, a Dockerfile that
 * lies outside the context folder.
 */
import { posix } from 'node:path'
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Header } from 'tar-stream'
import { parseIgnoreRules } from './ignore-rules.ts'
import { inputsDigest } from './inputs-digest.ts'
import { repackTar } from './repack-tar.ts'

/** One commit of a repository, as the git adapter offers it. Paths are relative to the repository's root. */
export interface CommitTree {
  readonly sha: string
  archive(folder: string): Readable
  /** Undefined for what is not a file. */
  readBlob(path: string): Promise<Buffer | undefined>
  treeSha(path: string): Promise<string | undefined>
  /** A tar stream with a folder `.git` in which this commit is checked out. */
  gitFolder(): Promise<Readable>
}

export interface BuildContextOptions {
  readonly dockerfile: string
  readonly context: string
  readonly includeGit: boolean
  readonly target?: string | undefined
  readonly args: Readonly<Record<string, string>>
  readonly platform: string
}

export type BuildContext =
  | {
      readonly kind: 'ready'
      /** Can be opened again for another attempt. */
      open(): Readable
      /** Where the Dockerfile is inside the context. */
      readonly dockerfile: string
      readonly dockerfileText: string
      /** See `inputsDigest`. */
      readonly inputsDigest: string
    }
  | { readonly kind: 'invalid'; readonly path: string; readonly message: string }

/** A Dockerfile is a page or two; parsers get no more than this. */
const MAX_DOCKERFILE_BYTES = 256 * 1024

export async function buildContext(tree: CommitTree, options: BuildContextOptions): Promise<BuildContext> {
  const context = insideRepository(options.context)
  const dockerfile = insideRepository(options.dockerfile)
  if (context === undefined) return invalid(options.context, 'the context lies outside the repository')
  if (dockerfile === undefined || dockerfile === '')
    return invalid(options.dockerfile, 'the Dockerfile lies outside the repository')
  const [contextTree, content, ownIgnore, commonIgnore] = await Promise.all([
    tree.treeSha(context),
    tree.readBlob(dockerfile),
    tree.readBlob(`${dockerfile}.dockerignore`),
    tree.readBlob(posix.join(context, '.dockerignore')),
  ])
  if (contextTree === undefined) return invalid(options.context, 'there is no such folder in this commit')
  if (content === undefined)
    return invalid(options.dockerfile, 'there is no such file in this commit (a symbolic link is not followed)')
  if (content.length > MAX_DOCKERFILE_BYTES)
    return invalid(options.dockerfile, `a Dockerfile of more than ${MAX_DOCKERFILE_BYTES / 1024} KiB is not read`)

  const ignore = (ownIgnore ?? commonIgnore)?.toString('utf8') ?? ''
  const ignored = parseIgnoreRules(ignore)
  const within = pathWithin(context, dockerfile)
  const placed = within !== undefined && !ignored(within) ? within : undefined
  const name = placed ?? `.slipway-dockerfile-${createHash('sha256').update(content).digest('hex').slice(0, 16)}`
  const rule = contextRule(context, (path) => ignored(path) || (ownIgnore !== undefined && path === '.dockerignore'))
  return {
    kind: 'ready',
    dockerfile: name,
    dockerfileText: content.toString('utf8'),
    open: () =>
      repackTar(
        [() => tree.archive(context), ...(options.includeGit ? [() => tree.gitFolder()] : [])],
        rule,
        placed === undefined ? [{ name, content }] : [],
      ),
    inputsDigest: inputsDigest({
      contextTree,
      dockerfile: content.toString('base64'),
      ignore,
      target: options.target,
      args: options.args,
      platform: options.platform,
      gitCommit: options.includeGit ? tree.sha : undefined,
    }),
  }
}

/** The cleaned path, empty for the root itself; undefined when it leads out of the repository. */
function insideRepository(path: string): string | undefined {
  const clean = posix.normalize(path).replace(/\/$/, '')
  if (clean === '.' || clean === '') return ''
  return clean.startsWith('/') || clean === '..' || clean.startsWith('../') || clean.includes('\0') ? undefined : clean
}

function pathWithin(folder: string, path: string): string | undefined {
  if (folder === '') return path
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : undefined
}

function contextRule(context: string, leftOut: (path: string) => boolean): (header: Header) => Header | undefined {
  return (header) => {
    const isGit = header.name === '.git' || header.name.startsWith('.git/')
    const path = (isGit ? header.name : pathWithin(context, header.name))?.replace(/\/$/, '')
    // The folders above the context, and entries no source tree has.
    if (path === undefined || path === '' || !['file', 'directory', 'symlink'].includes(header.type ?? 'file'))
      return undefined
    return leftOut(path) ? undefined : { ...header, name: path, uid: 0, gid: 0, uname: '', gname: '' }
  }
}

function invalid(path: string, message: string): BuildContext {
  return { kind: 'invalid', path, message }
}
