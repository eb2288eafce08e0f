import { createHash } from 'node:crypto'

/** Everything that decides what an image build can produce, apart from what its steps fetch from elsewhere. */
export interface ImageInputs {
  /** git's sha of the context folder's tree: equal shas, equal files. */
  readonly contextTree: string
  readonly dockerfile: string
  /** Text of the ignore file in force, empty without one. */
  readonly ignore: string
  readonly target?: string | undefined
  readonly args: Readonly<Record<string, string>>
  readonly platform: string
  /** The commit when .git is part of the context, since then equal trees are different inputs. */
  readonly gitCommit?: string | undefined
}

/** `sha256:...`; equal digests mean that an image built for one may stand for the other. */
export function inputsDigest(inputs: ImageInputs): string {
  const ordered = {
    format: 1,
    contextTree: inputs.contextTree,
    dockerfile: inputs.dockerfile,
    ignore: inputs.ignore,
    target: inputs.target ?? null,
    args: Object.entries(inputs.args).sort(([one], [other]) => (one < other ? -1 : 1)),
    platform: inputs.platform,
    gitCommit: inputs.gitCommit ?? null,
  }
  return `sha256:${createHash('sha256').update(JSON.stringify(ordered)).digest('hex')}`
}
