/** `slipway deploy`, `rollback`, `lock`, `unlock`: services from a shell. */
import { setTimeout as delay } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { SlipwayError } from '../core/errors.ts'
import type { AddCommand, CommandContext } from './command-context.ts'
import { FINAL_STATES, PreviewShape, ServiceShape, StartedRun } from './deploy-shapes.ts'

const POLL_MS = 1_000

interface Common {
  readonly json?: true
}

export const deployCommand: AddCommand = (program, context) => {
  onService(program, 'deploy', 'deploy the head of a service’s branch and wait for the outcome')
    .option('--sha <commit>', 'this commit: the head, or one whose release is kept')
    .option('--no-wait', 'do not wait for the outcome')
    .action(async (repository: string, service: string, options: Common & { sha?: string; wait: boolean }) => {
      const body = options.sha === undefined ? {} : { sha: options.sha }
      const started = await context.client().post(`${pathOf(repository, service)}/deploy`, body, StartedRun)
      await outcome(context, repository, service, started, options)
    })
}

export const rollbackCommand: AddCommand = (program, context) => {
  onService(program, 'rollback', 'go back to an earlier release, without a build')
    .option('--to <release>', 'its number, id or commit; default: the one before')
    .option('--force', 'although somebody else locked the service')
    .option('--dry-run', 'only show what would come back')
    .option('--no-wait', 'do not wait for the outcome')
    .action(
      async (
        repository: string,
        service: string,
        options: Common & { to?: string; force?: true; dryRun?: true; wait: boolean },
      ) => {
        const { terminal, client } = context
        const path = `${pathOf(repository, service)}/rollback`
        if (options.dryRun === true) {
          const preview = await client().get(
            options.to === undefined ? path : `${path}?to=${encodeURIComponent(options.to)}`,
            PreviewShape,
          )
          if (options.json === true) return terminal.json(preview)
          terminal.line(
            `from ${preview.from === null ? 'nothing' : `release ${preview.from.number} (${preview.from.sha.slice(0, 7)})`} to release ${preview.to.number} (${preview.to.sha.slice(0, 7)})`,
          )
          if (preview.changed_env.length > 0) terminal.line(`variables that change: ${preview.changed_env.join(', ')}`)
          if (preview.changed_secrets.length > 0)
            terminal.line(`secrets of an older version: ${preview.changed_secrets.join(', ')}`)
          return undefined
        }
        const body = {
          ...(options.to === undefined ? {} : { to: options.to }),
          ...(options.force === true ? { force: true } : {}),
        }
        return outcome(context, repository, service, await client().post(path, body, StartedRun), options)
      },
    )
}

export const lockCommand: AddCommand = (program, context) => {
  onService(program, 'lock', 'keep everybody from deploying a service')
    .requiredOption('--reason <text>', 'why')
    .option(
      '--until <time>',
      'until then, such as 2026-01-31T18:00Z, or 2h; default: until somebody unlocks it',
      readTime,
    )
    .action(async (repository: string, service: string, options: Common & { reason: string; until?: string }) => {
      const body = { reason: options.reason, ...(options.until === undefined ? {} : { until: options.until }) }
      const locked = await context.client().post(`${pathOf(repository, service)}/lock`, body, ServiceShape)
      if (options.json === true) return context.terminal.json(locked)
      return context.terminal.line(
        `${service} is locked${options.until === undefined ? '' : ` until ${options.until}`}`,
      )
    })
}

export const unlockCommand: AddCommand = (program, context) => {
  onService(program, 'unlock', 'let what waits for a lock go on').action(
    async (repository: string, service: string, options: Common) => {
      const unlocked = await context.client().post(`${pathOf(repository, service)}/unlock`, {}, ServiceShape)
      if (options.json === true) return context.terminal.json(unlocked)
      return context.terminal.line(`${service} is unlocked`)
    },
  )
}

function onService(program: Command, name: string, summary: string): Command {
  return program
    .command(name)
    .summary(summary)
    .description(`${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`)
    .argument('<owner/repo>', 'the repository', readRepository)
    .argument('<service>', 'its key in slipway.yml')
    .option('--json', 'print JSON')
}

async function outcome(
  { terminal, client }: CommandContext,
  repository: string,
  service: string,
  started: { readonly run_id: string; readonly url: string },
  options: Common & { readonly wait: boolean },
): Promise<void> {
  if (!options.wait) {
    if (options.json === true) return terminal.json(started)
    return terminal.line(started.url)
  }
  terminal.note(started.url)
  let state = ''
  for (;;) {
    const seen = await client()
      .get(pathOf(repository, service), ServiceShape)
      .catch((error: unknown) => {
        // A service that has never been deployed exists only once its run is admitted.
        if (error instanceof SlipwayError && error.code === 'not_found') return null
        throw error
      })
    const deployment = seen?.deployment?.run_id === started.run_id ? seen.deployment : null
    if (deployment !== null && deployment.state !== state) {
      state = deployment.state
      terminal.note(state.replaceAll('_', ' '))
    }
    if (deployment !== null && FINAL_STATES.includes(state)) {
      if (options.json === true) terminal.json(seen)
      if (state !== 'live')
        throw new SlipwayError(
          'step_failed',
          `${service} ${state.replaceAll('_', ' ')}: ${deployment.failure?.cause ?? 'see its page'}`,
        )
      if (options.json !== true)
        terminal.line(
          `${service} is live: release ${seen?.live?.number ?? ''}${seen?.url == null ? '' : ` at ${seen.url}`}`,
        )
      return
    }
    await delay(POLL_MS)
  }
}

function readRepository(text: string): string {
  if (!/^[\w.-]+\/[\w.-]+$/.test(text)) throw new InvalidArgumentError('must be OWNER/REPO')
  return text
}

const LENGTHS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

function readTime(text: string): string {
  const [, amount, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  const time =
    amount === undefined || unit === undefined ? Date.parse(text) : Date.now() + Number(amount) * (LENGTHS[unit] ?? 0)
  if (Number.isNaN(time)) throw new InvalidArgumentError('must be a time such as 2026-01-31T18:00Z, or 2h')
  return new Date(time).toISOString()
}

function pathOf(repository: string, service: string): string {
  return `/api/v1/services/${repository}/${encodeURIComponent(service)}`
}
