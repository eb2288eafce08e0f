/** Writes a commit with given files onto a branch, in one `git fast-import`. */
import type { Person, Repository } from '../world/repositories.ts'
import { git } from './run-git.ts'

export interface FileContent {
  readonly bytes: Buffer
  /** 100644 a file, 100755 a program, 120000 a symbolic link. */
  readonly mode: string
}

export interface CommitPlan {
  readonly branch: string
  /** The commit to stand on; absent: the first of its branch. */
  readonly parent: string | undefined
  readonly message: string
  readonly author: Person
  /** `null` removes the file. */
  readonly files: ReadonlyMap<string, FileContent | null>
}

/** The new commit's id. The branch is moved to it even where it does not descend from the former head. */
export async function writeCommit(repository: Repository, plan: CommitPlan): Promise<string> {
  const output = await git(repository.directory, ['fast-import', '--quiet', '--force', '--done'], toStream(plan))
  return output.toString().trim()
}

function toStream(plan: CommitPlan): Buffer {
  const { author, message } = plan
  const when = Math.floor(Date.parse(author.date) / 1_000)
  const who = `${clean(author.name)} <${clean(author.email)}> ${when} +0000`
  const parts: (string | Buffer)[] = [`reset refs/heads/${plan.branch}\n`]
  if (plan.parent !== undefined) parts.push(`from ${plan.parent}\n`)
  parts.push(
    `\ncommit refs/heads/${plan.branch}\nmark :1\nauthor ${who}\ncommitter ${who}\n`,
    ...data(Buffer.from(message)),
  )
  for (const [path, file] of plan.files) {
    if (file === null) parts.push(`D ${quote(path)}\n`)
    else parts.push(`M ${file.mode} inline ${quote(path)}\n`, ...data(file.bytes))
  }
  parts.push('\nget-mark :1\ndone\n')
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
}

function data(bytes: Buffer): (string | Buffer)[] {
  return [`data ${bytes.length}\n`, bytes, '\n']
}

function quote(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}

/** Angle brackets and line ends would end the field early. */
function clean(name: string): string {
  return name.replace(/[<>\n]/g, '')
}
