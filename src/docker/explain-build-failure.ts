import { locateBaseImage } from './locate-dockerfile-step.ts'
import type { DockerfileLines } from './locate-dockerfile-step.ts'
import type { BuildStep } from './build-events.ts'
import type { DockerfileOutline } from './dockerfile-stages.ts'

/** Why an image could not be built, as far as the author can do something about it. */
export type BuildFailureReason =
  /** A RUN ended with an exit code. */
  | 'command'
  /** The Dockerfile itself is wrong. */
  | 'dockerfile'
  /** COPY or ADD names something that is not in the context. */
  | 'missing_source'
  | 'unknown_target'
  /** The registry does not have the base image or does not show it to us. */
  | 'missing_base_image'
  /** The registry of a base image does not answer. */
  | 'registry_unreachable'
  /** A `# syntax=` frontend that cannot be fetched. */
  | 'frontend'
  /** Such a frontend in a build of code that is not trusted. */
  | 'frontend_refused'
  | 'other'

export interface BuildFailure {
  readonly reason: BuildFailureReason
  /** The builder's own sentence. */
  readonly message: string
  /** The failing step as the builder shows it. */
  readonly step: string | undefined
  readonly exitCode: number | undefined
  readonly lines: DockerfileLines | undefined
}

export type BuildTrouble =
  | { readonly kind: 'failure'; readonly failure: BuildFailure }
  | { readonly kind: 'infrastructure'; readonly message: string }

/** Builders say what happened only in words; both kinds and their changing phrases are known here and nowhere else. */
export function explainBuildFailure(
  outline: DockerfileOutline,
  steps: readonly BuildStep[],
  error: { readonly message: string; readonly exitCode: number | undefined },
): BuildTrouble {
  const { message } = error
  const failed = steps.findLast((step) => step.failed)
  const cause = withoutCommand(message)
  if (!ENDED_BY_ITSELF.test(cause) && INFRASTRUCTURE.test(cause)) return { kind: 'infrastructure', message: cause }
  const reason = reasonOf(outline, message, failed)
  const exitCode = error.exitCode ?? exitCodeIn(message)
  return {
    kind: 'failure',
    failure: {
      reason: reason === 'other' && exitCode !== undefined ? 'command' : reason,
      message: message
        .replace(/^failed to solve(?: with frontend \S+)?: (?:failed to (?:create LLB definition|solve LLB): )?/, '')
        .trim(),
      step: failed?.name,
      exitCode,
      lines: lineIn(message) ?? failed?.lines ?? placeOf(reason, outline, `${message} ${failed?.name ?? ''}`),
    },
  }
}

/** The host's own troubles; a commit cannot cause them. */
const INFRASTRUCTURE =
  /no space left on device|input\/output error|read-only file system: .*\/var\/lib\/docker|failed to (?:mount|prepare) .*snapshot|unexpected EOF|connection reset by peer|error during connect|failed to get state for index|snapshot .* does not exist|layer does not exist|libnetwork|failed to (?:update|open|create) (?:store|endpoint|network)|context canceled|transport is closing|daemon is shutting down/i

/** A step that ran to its end has an exit code, whatever it printed and whatever its command says. */
const ENDED_BY_ITSELF = /(?:exit code|returned a non-zero code): \d+\s*$/

/** The command is the author's text and may say anything, our own words for a full disk included. */
function withoutCommand(message: string): string {
  return message
    .replace(/executor failed running \[.*\]: /s, 'the step could not be run: ')
    .replace(/^The command '.*' returned/s, 'The command returned')
}

const UNREACHABLE =
  /dial tcp|i\/o timeout|no such host|TLS handshake timeout|Client\.Timeout|connection refused|failed to do request|server misbehaving/i

function reasonOf(outline: DockerfileOutline, message: string, failed: BuildStep | undefined): BuildFailureReason {
  if (
    failed?.name.startsWith('resolve image config for ') === true ||
    (outline.syntax !== undefined && message.includes(outline.syntax))
  )
    return 'frontend'
  if (/returned a non-zero code: \d+|exit code: \d+/.test(message)) return 'command'
  if (
    /dockerfile parse error|unknown instruction|syntax error|requires (?:at least|exactly)|the Dockerfile .* cannot be empty|file with no instructions|no build stage in current context|Unknown flag|invalid reference format|circular dependency/i.test(
      message,
    )
  ) {
    return 'dockerfile'
  }
  if (/target stage .* could not be found|failed to reach build target/.test(message)) return 'unknown_target'
  if (
    /(?:COPY|ADD) failed|failed to compute cache key|failed to calculate checksum|no source files were specified|forbidden path outside the build context/i.test(
      message,
    )
  ) {
    return 'missing_source'
  }
  if (UNREACHABLE.test(message)) return 'registry_unreachable'
  if (
    /pull access denied|manifest (?:for .* )?(?:unknown|not found)|repository does not exist|insufficient_scope|no match for platform|: not found/i.test(
      message,
    )
  )
    return 'missing_base_image'
  return 'other'
}

function exitCodeIn(message: string): number | undefined {
  const code = /(?:returned a non-zero code|exit code): (\d+)/.exec(message)?.[1]
  return code === undefined ? undefined : Number(code)
}

/** Parsers name the line; a failing instruction does not. */
function lineIn(message: string): DockerfileLines | undefined {
  const line = /dockerfile parse error (?:on )?line (\d+)/i.exec(message)?.[1] ?? /Dockerfile:(\d+)/.exec(message)?.[1]
  return line === undefined ? undefined : { start: Number(line), end: Number(line) }
}

/** BuildKit names a base image in the step that asks for it, the classic builder in its message. */
function placeOf(reason: BuildFailureReason, outline: DockerfileOutline, message: string): DockerfileLines | undefined {
  if (reason === 'frontend') return { start: 1, end: 1 }
  if (reason === 'missing_base_image' || reason === 'registry_unreachable')
    return locateBaseImage(outline, message) ?? onlyBase(outline)
  return undefined
}

function onlyBase(outline: DockerfileOutline): DockerfileLines | undefined {
  const [first, ...others] = outline.stages.filter((stage) => !stage.basedOnStage)
  return first === undefined || others.length > 0 ? undefined : { start: first.from.startLine, end: first.from.endLine }
}
