/** Bare repositories on disk: making one, copying one for a fork, reading its refs. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ref } from '../world/repositories.ts'
import { git } from './run-git.ts'

/** Written by hand instead of `git init`, which costs a process for each of a test's many repositories. */
export async function createBareRepository(directory: string, defaultBranch: string): Promise<void> {
  await Promise.all(
    ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags', 'info'].map((path) =>
      mkdir(join(directory, path), { recursive: true }),
    ),
  )
  const config = [
    '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true',
    '[http]\n\treceivepack = true',
    // GitHub lets any commit it knows be fetched by its id.
    '[uploadpack]\n\tallowAnySHA1InWant = true\n\tallowFilter = true',
    '[receive]\n\tdenyDeleteCurrent = ignore\n\tadvertisePushOptions = true',
    '[gc]\n\tauto = 0',
  ]
  await Promise.all([setHead(directory, defaultBranch), writeFile(join(directory, 'config'), `${config.join('\n')}\n`)])
}

export async function setHead(directory: string, branch: string): Promise<void> {
  await writeFile(join(directory, 'HEAD'), `ref: refs/heads/${branch}\n`)
}

export async function readRefs(directory: string): Promise<ReadonlyMap<string, Ref>> {
  const output = await git(directory, [
    'for-each-ref',
    '--format=%(objectname) %(objecttype) %(*objectname) %(refname)',
  ])
  const refs = new Map<string, Ref>()
  for (const line of output.toString().split('\n')) {
    const [, sha, type, peeled, name] = /^(\w+) (commit|tag|tree|blob) (\w*) (.+)$/.exec(line) ?? []
    if (sha === undefined || name === undefined) continue
    refs.set(name, { sha, type: refType(type), commit: peeled === undefined || peeled === '' ? sha : peeled })
  }
  return refs
}

function refType(type: string | undefined): Ref['type'] {
  return type === 'tag' || type === 'tree' || type === 'blob' ? type : 'commit'
}

/** Copies the commits of one ref from another repository on this disk. */
export async function fetchFrom(directory: string, source: string, refspec: string): Promise<void> {
  await git(directory, ['fetch', '--quiet', '--no-tags', source, refspec])
}
