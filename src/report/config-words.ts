/** The check run `slipway`: the file is wrong, with each problem on its line. */
import type { DesiredCheck } from '../core/check.ts'
import type { ConfigProblem } from '../config/config-problem.ts'
import { code, paragraphs, plain } from './markdown.ts'

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
