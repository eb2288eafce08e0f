/** Tells the story: acts with a number, each step with the time since the act began and the link to look at. */
import { formatDuration } from '../../core/duration.ts'
import type { Style, Terminal } from '../terminal.ts'

export interface Narrator {
  act(title: string): void
  /** Something happened. */
  step(text: string, link?: string): void
  /** Something ended well or badly, as it should in the story. */
  good(text: string, link?: string): void
  bad(text: string, link?: string): void
  /** More about the step before. */
  detail(text: string): void
}

const TIME_WIDTH = 7

export function createNarrator(terminal: Terminal, now: () => number): Narrator {
  let acts = 0
  let since = now()
  const tell = (mark: string, style: Style, text: string, link: string | undefined): void => {
    const time = formatDuration(now() - since).padStart(TIME_WIDTH)
    terminal.line(`${terminal.styled('dim', time)}  ${terminal.styled(style, mark)} ${text}`)
    if (link !== undefined) terminal.line(`${' '.repeat(TIME_WIDTH + 4)}${terminal.styled('dim', link)}`)
  }
  return {
    act(title) {
      acts += 1
      since = now()
      terminal.line()
      terminal.line(terminal.styled('bold', `${acts}. ${title}`))
    },
    step: (text, link) => tell('·', 'cyan', text, link),
    good: (text, link) => tell('✔', 'green', text, link),
    bad: (text, link) => tell('✘', 'red', text, link),
    detail: (text) => terminal.line(`${' '.repeat(TIME_WIDTH + 4)}${text}`),
  }
}
