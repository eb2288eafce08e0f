import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { mirroredCommit } from '../../../src/git/commit-tree.ts'
import type { MirroredCommit } from '../../../src/git/commit-tree.ts'
import { gitMirrors } from '../../../src/git/mirror.ts'

export interface TestRepository {
  /** Commits these files on top of what there is, and mirrors the commit. A value of `-> x` makes a symbolic link. */
  commit(files: Readonly<Record<string, string>>): Promise<MirroredCommit>
  dispose(): void
}

export function testRepository(): TestRepository {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-repository-'))
  const origin = join(folder, 'origin')
  mkdirSync(origin)
  const git = (...argv: string[]): string =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...argv], {
      cwd: origin,
      encoding: 'utf8',
    }).trim()
  git('init', '-q', '-b', 'main')
  git('config', 'uploadpack.allowAnySHA1InWant', 'true')
  const mirrors = gitMirrors(join(folder, 'mirrors'), { allowFileProtocol: true })
  return {
    commit: async (files) => {
      for (const [path, content] of Object.entries(files)) {
        const file = join(origin, path)
        mkdirSync(dirname(file), { recursive: true })
        rmSync(file, { force: true })
        if (content.startsWith('-> ')) symlinkSync(content.slice(3), file)
        else writeFileSync(file, content)
      }
      git('add', '-A')
      git('commit', '-q', '--allow-empty', '-m', 'a commit')
      const sha = git('rev-parse', 'HEAD')
      const fetched = await mirrors.fetchCommit({ repositoryId: 1, cloneUrl: `file://${origin}`, sha })
      if (fetched.kind !== 'fetched' && fetched.kind !== 'present') throw new Error(JSON.stringify(fetched))
      return mirroredCommit(mirrors.gitDir(1), sha)
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  }
}
