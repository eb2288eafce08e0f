/** The check run `slipway`: the file is wrong, with each problem on its line. */
import type { DesiredCheck } from '../core/check.ts'
import type { ConfigProblem } from '../config/config-problem.ts'
import { code, paragraphs, plain, table } from './markdown.ts'

export function configInvalidCheck(problems: readonly ConfigProblem[], path: string): DesiredCheck {
  const [first] = problems
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  return {
    status: 'completed',
    conclusion: 'failure',
    output: {
      title: first === undefined ? `${path} is not valid` : `${path}:${first.line}: ${first.message}`,
      summary: paragraphs(
        `${code(path)} has ${count}, so nothing else runs for this commit.`,
        problems.map(listed).join('\n'),
        'Mend the file and push again. `slipway lint` checks it before you push; the schema for your editor is at `/schema/slipway.json`.',
      ),
      annotations: problems.map((problem) => ({
        path: problem.file,
        startLine: problem.line,
        endLine: problem.endLine ?? problem.line,
        ...(problem.endLine === undefined ? { startColumn: problem.column, endColumn: problem.column } : {}),
        level: 'failure' as const,
        title: problem.path === '' ? 'slipway.yml' : problem.path,
        message: problem.hint === null ? problem.message : `${problem.message} — ${problem.hint}`,
      })),
    },
    buttons: [],
  }
}

function listed(problem: ConfigProblem): string {
  const where = code(`${problem.file}:${problem.line}:${problem.column}`)
  const key = problem.path === '' ? '' : ` ${code(problem.path)}`
  return `- ${where}${key}: ${plain(problem.message)}${problem.hint === null ? '' : ` — ${plain(problem.hint)}`}`
}

/** What a changed file would do; the shapes are those of the parsed file, as far as they are shown. */
export interface ConfigPlan {
  readonly path: string
  readonly isNew: boolean
  readonly images: readonly {
    readonly key: string
    readonly dockerfile: string
    readonly platforms: readonly string[]
  }[]
  readonly stages: readonly {
    readonly key: string
    readonly dependsOn: readonly string[]
    readonly secrets: readonly string[]
    readonly pool: { readonly name: string } | null
  }[]
  readonly services: readonly {
    readonly key: string
    readonly branch: string
    readonly host: string
    readonly environment: string
    readonly secrets: readonly string[]
    readonly refusal: string | null
  }[]
  readonly packages: readonly { readonly key: string; readonly tags: readonly string[] }[]
}

/** The check of a pull request that changes the file. */
export function configPlanCheck(plan: ConfigPlan): DesiredCheck {
  const counts = [
    counted(plan.images.length, 'image'),
    counted(plan.stages.length, 'stage'),
    counted(plan.services.length, 'service'),
    counted(plan.packages.length, 'package'),
  ].filter((text) => text !== null)
  const refused = plan.services.filter((service) => service.refusal !== null)
  return {
    status: 'completed',
    conclusion: refused.length === 0 ? 'success' : 'neutral',
    output: {
      title: `${plan.isNew ? 'New' : 'Changed'} plan: ${counts.length === 0 ? 'nothing is asked for' : counts.join(', ')}`,
      summary: paragraphs(
        `This pull request changes ${code(plan.path)}. Once it is merged:`,
        plan.images.length > 0 &&
          table(
            ['Image', 'Dockerfile', 'Platforms'],
            plan.images.map((image) => [code(image.key), code(image.dockerfile), plain(image.platforms.join(', '))]),
          ),
        plan.stages.length > 0 &&
          table(
            ['Stage', 'After', 'Instance', 'Secrets'],
            plan.stages.map((stage) => [
              code(stage.key),
              plain(stage.dependsOn.join(', ')),
              plain(stage.pool?.name ?? ''),
              plain(stage.secrets.join(', ')),
            ]),
          ),
        plan.services.length > 0 &&
          table(
            ['Service', 'Live branch', 'Host', 'Environment', 'Secrets', 'Allowed'],
            plan.services.map((service) => [
              code(service.key),
              code(service.branch),
              plain(service.host),
              plain(service.environment),
              plain(service.secrets.join(', ')),
              service.refusal === null ? '✅' : `❌ ${plain(service.refusal)}`,
            ]),
          ),
        plan.packages.length > 0 &&
          table(
            ['Package', 'Tags'],
            plan.packages.map((one) => [code(one.key), plain(one.tags.join(', '))]),
          ),
      ),
      annotations: [],
    },
    buttons: [],
  }
}

function counted(count: number, noun: string): string | null {
  if (count === 0) return null
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
