import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { gitFolder } from './git-folder.ts'
import { archive } from './read-commit.ts'

export interface PackageCheckout {
  readonly sha: string
  readonly tag: string
  /** What the build's git shows as origin; never with credentials. */
  readonly originUrl: string
}

/**
 * What a package build finds: the tree, and a `.git` in which the commit carries its tag and origin is the public
 * address without `.git`. Package tools read their own name from that address and would file the package under
 * `name.git`. Tar archives to be unpacked one after the other; each is made when it is asked for.
 */
export async function* packageCheckout(mirror: string, checkout: PackageCheckout): AsyncGenerator<Readable> {
  yield archive(mirror, checkout.sha)
  yield await gitFolder(mirror, checkout.sha)
  yield gitOverlay(checkout)
}

function gitOverlay({ sha, tag, originUrl }: PackageCheckout): Readable {
  const tar = pack()
  const config = [
    '[core]',
    '\trepositoryformatversion = 0',
    '\tfilemode = true',
    '\tbare = false',
    '[remote "origin"]',
    `\turl = ${quoted(originUrl.replace(/\.git$/, ''))}`,
    '\tfetch = +refs/heads/*:refs/remotes/origin/*',
    '',
  ]
  tar.entry({ name: '.git/config', mode: 0o644 }, config.join('\n'))
  // One line in a file: a tag's name never becomes a path.
  tar.entry(
    { name: '.git/packed-refs', mode: 0o644 },
    `# pack-refs with: peeled fully-peeled sorted \n${sha} refs/tags/${tag}\n`,
  )
  tar.finalize()
  return Readable.from(tar, { objectMode: false })
}

/** A value in git's configuration: quotes and backslashes are escaped. */
function quoted(value: string): string {
  return `"${value.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll(/[\r\n]/g, '')}"`
}
