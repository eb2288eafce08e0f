/** Progress of one long piece of work: rewritten in place on a terminal, silent elsewhere. */
import { Listr } from 'listr2'
import type { Terminal } from './terminal.ts'

export async function showParts<Result>(
  terminal: Terminal,
  title: string,
  work: (onPart: (part: string) => void) => Promise<Result>,
): Promise<Result> {
  if (!terminal.isInteractive) return await work(() => undefined)
  const results: Result[] = []
  await new Listr({
    title,
    task: async (_context, task) => {
      results.push(
        await work((part) => {
          task.output = part
        }),
      )
    },
  }).run()
  const [result] = results
  // Listr throws what the task threw, so a task that came to its end has left its result.
  if (results.length === 0) throw new Error(`${title} came to no end`)
  return result as Result
}
