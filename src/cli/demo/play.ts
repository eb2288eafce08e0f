/** Sets the stage, plays the acts one after the other, shows what GitHub shows, and strikes the stage again. */
import { errorMessage } from '../../core/errors.ts'
import type { Settings } from '../../config/settings.ts'
import { EXIT, type CommandContext } from '../command-context.ts'
import type { Terminal } from '../terminal.ts'
import { ACTS } from './acts.ts'
import { createNarrator } from './narrator.ts'
import { setStage, type SetStage } from './set-stage.ts'
import { showGitHub } from './show-github.ts'

export interface DemoDocker {
  readonly clearDocker: (settings: Settings, instanceId: string) => Promise<void>
}

/** 128 and the number of SIGINT, as shells count. */
const INTERRUPTED = 130

export async function play({ terminal, settings }: CommandContext, docker: DemoDocker, once: boolean): Promise<number> {
  const known = settings()
  const interrupted = untilInterrupted()
  const began = performance.now()
  terminal.line('Starting a simulated GitHub and a Slipway with a database of its own.')
  const stage = await setStage(known, (instanceId) => docker.clearDocker(known, instanceId))
  try {
    terminal.line(`Slipway answers at ${stage.slipway.url}, GitHub at ${stage.github.url} (${seconds(began)}).`)
    const outcome = await Promise.race([tell(stage, terminal), interrupted])
    if (outcome === 'interrupted') return INTERRUPTED
    if (once || outcome === EXIT.failed) return outcome
    terminal.line()
    terminal.line(terminal.styled('bold', 'Look around; Ctrl-C ends it and removes everything.'))
    terminal.table(
      ['what', 'where'],
      [
        ['dashboard', stage.slipway.url],
        ['admin token', stage.adminToken],
        ['GitHub', stage.github.url],
        ["server's log", stage.logFile],
      ],
    )
    await Promise.race([interrupted, stage.broken])
    return EXIT.ok
  } finally {
    terminal.note('Ending: stopping what was started, removing its containers.')
    await stage.strike()
  }
}

async function tell(stage: SetStage, terminal: Terminal): Promise<number> {
  const narrator = createNarrator(terminal, () => performance.now())
  const began = performance.now()
  for (const act of ACTS) {
    narrator.act(act.title)
    try {
      await Promise.race([act.play({ ...stage, narrator }), stage.broken])
    } catch (error) {
      narrator.bad(errorMessage(error))
      await showGitHub(stage.github, terminal).catch(() => undefined)
      terminal.note(`The story did not go as it should. The server's log: ${stage.logFile}`)
      return EXIT.failed
    }
  }
  await showGitHub(stage.github, terminal)
  terminal.line()
  terminal.line(terminal.styled('green', `The story ended well after ${seconds(began)}.`))
  return EXIT.ok
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}

function untilInterrupted(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'))
  })
}
