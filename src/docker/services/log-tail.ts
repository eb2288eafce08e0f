import type { SecretMasker } from '../../core/mask-secrets.ts'
import { segment, type DockerEngine } from '../engine.ts'
import { unlessMissing } from '../engine-error.ts'
import { collectOutput } from './collect-output.ts'

/** As many lines as a check run's summary shows. */
export const LOG_TAIL_LINES = 50
/** Characters of one line; programs that print a whole page without a break must not fill the summary. */
const LONGEST_LINE = 500

/** The last lines of a container or of a Swarm task, without secrets; empty when it is gone or never wrote. */
export async function logTail(
  engine: DockerEngine,
  kind: 'containers' | 'tasks',
  id: string,
  masker: SecretMasker,
): Promise<readonly string[]> {
  const query = { stdout: true, stderr: true, tail: LOG_TAIL_LINES }
  const stream = await unlessMissing(engine.stream({ method: 'GET', path: `/${kind}/${segment(id)}/logs`, query }))
  if (stream === undefined) return []
  const text = masker.text(await collectOutput(stream))
  return text
    .split('\n')
    .map((line) => line.replace(/\r$/, '').slice(0, LONGEST_LINE))
    .filter((line) => line !== '')
    .slice(-LOG_TAIL_LINES)
}
