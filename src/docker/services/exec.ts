import { z } from 'zod'
import { segment, type DockerEngine } from '../engine.ts'
import { collectOutput } from './collect-output.ts'

/** Runs a command in a running container and waits for its end. Each argument arrives as it is. */
export async function execInContainer(
  engine: DockerEngine,
  containerId: string,
  argv: readonly string[],
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const created = await engine.call({
    method: 'POST',
    path: `/containers/${segment(containerId)}/exec`,
    body: { AttachStdout: true, AttachStderr: true, Cmd: [...argv] },
  })
  const { Id } = execCreated.parse(created)
  const stream = await engine.stream({ method: 'POST', path: `/exec/${Id}/start`, body: { Detach: false, Tty: false } })
  const output = await collectOutput(stream)
  const { ExitCode } = execState.parse(await engine.call({ method: 'GET', path: `/exec/${Id}/json` }))
  return { exitCode: ExitCode ?? -1, output }
}

const execCreated = z.object({ Id: z.string() })
const execState = z.object({ ExitCode: z.number().nullish() })
