import { readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { formatProblem } from '../config/config-problem.ts'
import { defaultLimits } from '../config/repository-policy.ts'
import type { PipelineConfig } from '../config/repository-config.ts'
import { errorMessage } from '../core/errors.ts'
import { planPipeline } from '../pipeline/index.ts'
import type { AddCommand, CommandContext } from './command-context.ts'
import type { LocalPipelineParts, LocalStage } from './run/local-pipeline.ts'
import { exitCodeOf, RUN_EXIT } from './run/run-stages.ts'
import { outcomeWords, runLively, runPlainly, summarize } from './run/view.ts'

const DEFAULT_MANIFEST = '.github/slipway.yml'

interface RunOptions {
  readonly stage?: string
  readonly json?: boolean
}

export function runCommand(load: () => Promise<LocalPipelineParts>): AddCommand {
  return (program, context) => {
    program
      .command('run')
      .summary('run a pipeline in Docker here')
      .description(
        'Runs the stages of a manifest on this machine’s Docker with the code of the server. The workspace is a copy of the\ncurrent directory; artifacts land in .slipway/artifacts; secrets are taken from the environment by their names.',
      )
      .argument('[manifest]', 'the file', DEFAULT_MANIFEST)
      .option('--stage <id>', 'only this stage, without those before it')
      .addHelpText(
        'after',
        '\nExit codes: 0 success, 1 a step failed, 2 the manifest is invalid, 3 infrastructure, 124 timeout, 130 cancelled.\n\nExamples:\n  $ slipway run\n  $ slipway run ci/other.yml --stage test',
      )
      .action(async (manifest: string, options: RunOptions) => {
        process.exitCode = await run(await load(), context, manifest, options)
      })
  }
}

async function run(
  parts: LocalPipelineParts,
  { terminal }: CommandContext,
  manifest: string,
  options: RunOptions,
): Promise<number> {
  const directory = process.cwd()
  const file = relative(directory, resolve(directory, manifest)) || manifest
  const text = await readFile(resolve(directory, manifest)).catch((error: unknown) => errorMessage(error))
  if (typeof text === 'string') {
    terminal.note(`slipway: ${file} cannot be read: ${text}`)
    return RUN_EXIT.invalid
  }
  const parsed = await parts.parseManifest(text, file)
  if (parsed.kind === 'invalid') {
    for (const problem of parsed.problems) terminal.note(formatProblem(problem))
    return RUN_EXIT.invalid
  }
  const { pipeline } = parsed.config
  if (pipeline === null || (options.stage !== undefined && !Object.hasOwn(pipeline.stages, options.stage))) {
    const known = Object.keys(pipeline?.stages ?? {}).join(', ')
    terminal.note(
      pipeline === null
        ? `slipway: ${file} has no pipeline`
        : `slipway: ${file} has no stage ${options.stage ?? ''}; it has ${known}`,
    )
    return RUN_EXIT.invalid
  }

  const cancel = new AbortController()
  const onSignal = (): void => cancel.abort()
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    const local = await parts.open(directory)
    try {
      const stages = stagesOf(pipeline, options.stage ?? null, local.branch)
      const isLive = terminal.isInteractive && options.json !== true
      const outcomes = isLive
        ? await runLively(local, stages, cancel.signal)
        : await runPlainly(
            options.json === true ? { ...terminal, line: (line) => terminal.note(line ?? '') } : terminal,
            local,
            stages,
            cancel.signal,
          )
      if (options.json === true)
        terminal.json(
          outcomes.map((one) => ({
            stage: one.stage.name,
            conclusion: one.conclusion,
            reason: one.reason,
            result: outcomeWords(one),
            artifacts: one.end?.report.artifacts ?? [],
          })),
        )
      else summarize(terminal, outcomes, isLive)
      return exitCodeOf(outcomes, cancel.signal.aborted)
    } finally {
      await local.close()
    }
  } catch (error) {
    terminal.note(`slipway: ${errorMessage(error)}`)
    return RUN_EXIT.infrastructure
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

/** Whoever runs a file by hand wants its stages: neither triggers nor conditions are asked. */
function stagesOf(pipeline: PipelineConfig, only: string | null, branch: string): readonly LocalStage[] {
  const wanted = Object.values(pipeline.stages).filter((stage) => only === null || stage.key === only)
  const stages = Object.fromEntries(
    wanted.map((stage) => [stage.key, { ...stage, when: [], ...(only === null ? {} : { dependsOn: [] }) }]),
  )
  const plan = planPipeline({
    pipeline: { ...pipeline, on: { ...pipeline.on, manual: { inputs: {} } }, stages },
    source: {
      event: 'manual',
      trust: 'trusted',
      ref: `refs/heads/${branch}`,
      branch,
      tag: null,
      pullRequest: null,
      actor: null,
      baseBranch: null,
      cron: null,
      inputs: {},
      defaultBranch: branch,
      changedFiles: null,
      message: '',
    },
    // The limits of one's own machine are the file's.
    limits: {
      ...defaultLimits(),
      memoryBytes: Number.MAX_SAFE_INTEGER,
      cpus: Number.MAX_SAFE_INTEGER,
      pids: Number.MAX_SAFE_INTEGER,
      timeoutMs: Number.MAX_SAFE_INTEGER,
    },
    host: 'local',
    useCache: true,
  })
  if (plan.kind === 'silent') return []
  return plan.stages.flatMap((stage) => (stage.kind === 'run' ? [{ name: stage.name, plan: stage.plan }] : []))
}
