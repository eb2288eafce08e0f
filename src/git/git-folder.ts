import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { create } from 'tar'
import { gitOutput } from './run-git.ts'

/**
 * A tar stream of a folder `.git` with one commit checked out and no history behind it, for builds that ask git for
 * their version. It holds no remote and no credentials.
 */
export async function gitFolder(mirror: string, sha: string): Promise<Readable> {
  const checkout = await mkdtemp(join(tmpdir(), 'slipway-git-'))
  try {
    const gitDir = join(checkout, '.git')
    await gitOutput(['init', '--quiet', '--template=', checkout])
    const config = { 'protocol.file.allow': 'always' }
    await gitOutput(
      [
        'fetch',
        '--quiet',
        '--depth',
        '1',
        '--no-tags',
        '--no-write-fetch-head',
        '--',
        `file://${resolve(mirror)}`,
        `+${sha}:refs/heads/build`,
      ],
      { gitDir, config },
    )
    await gitOutput(['update-ref', '--no-deref', 'HEAD', sha], { gitDir })
    await gitOutput(['update-ref', '-d', 'refs/heads/build'], { gitDir })
    // With an index, `git status` inside the build compares with the commit and not with nothing.
    await gitOutput(['read-tree', sha], { gitDir })
    const packed = async function* (): AsyncGenerator<Buffer> {
      try {
        yield* create({ cwd: checkout, portable: true, noMtime: true }, ['.git'])
      } finally {
        await rm(checkout, { recursive: true, force: true })
      }
    }
    return Readable.from(packed(), { objectMode: false })
  } catch (thrown) {
    await rm(checkout, { recursive: true, force: true })
    throw thrown
  }
}
