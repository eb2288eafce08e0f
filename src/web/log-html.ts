/**
 * Lines of a log as HTML: escaped first, then coloured. Terminal colours become classes, so that no style stands in the
 * page and the stylesheet can keep them readable in the light and in the dark; colours beyond the sixteen become the
 * nearest of them. Links that a program prints stay links only to http and https.
 */
import { AnsiUp } from 'ansi_up'
import { escapeHtml } from './escape-html.ts'
import type { LogLine } from '../core/run-log.ts'

/** A terminal's sixteen colours as ansi_up names them, with what programs expect them to look like. */
const COLOURS: readonly (readonly [name: string, red: number, green: number, blue: number])[] = [
  ['black', 0, 0, 0],
  ['red', 187, 0, 0],
  ['green', 0, 187, 0],
  ['yellow', 187, 187, 0],
  ['blue', 0, 0, 187],
  ['magenta', 187, 0, 187],
  ['cyan', 0, 187, 187],
  ['white', 255, 255, 255],
  ['bright-black', 85, 85, 85],
  ['bright-red', 255, 85, 85],
  ['bright-green', 0, 255, 0],
  ['bright-yellow', 255, 255, 85],
  ['bright-blue', 85, 85, 255],
  ['bright-magenta', 255, 85, 255],
  ['bright-cyan', 85, 255, 255],
]

const STYLES: Readonly<Record<string, string>> = {
  'font-weight:bold': 'ansi-bold',
  'opacity:0.7': 'ansi-faint',
  'font-style:italic': 'ansi-italic',
  'text-decoration:underline': 'ansi-underline',
}

/** Colouring looks ahead from every escape; a line that is long or full of them is shown without colours instead. */
const LONGEST_COLOURED = 8_192
const MOST_COMMANDS = 40
/** A browser gets this much of one line; the download has all of it. */
const LONGEST_SHOWN = 65_536

export type LogPainter = (lines: readonly LogLine[]) => string

/** A painter goes through a log in order: a colour that one line opens goes on in the next. */
export function createLogPainter(): LogPainter {
  const ansi = new AnsiUp()
  ansi.use_classes = true
  let step: string | null = null
  return (lines) => lines.map((line) => heading(line) + row(line)).join('')

  function heading(line: LogLine): string {
    if (line.out === 'gap' || line.step === step) return ''
    step = line.step
    return step === '' ? '' : `<h3 data-step="${escapeHtml(step)}">${escapeHtml(step)}</h3>`
  }

  function row({ n, at, out, text }: LogLine): string {
    const time = at === 0 ? '' : ` data-at="${new Date(at).toISOString().slice(11, 19)}"`
    const painted = out === 'gap' || out === 'slipway' ? plain(text) : paint(lastRewrite(text))
    return `<div id="L${n}" class="l ${out}"${time}><a href="#L${n}">${n}</a><span>${painted}</span></div>`
  }

  function paint(text: string): string {
    if (!text.includes('\x1b')) return plainWithState(text)
    const isHeavy = text.length > LONGEST_COLOURED || text.split('\x1b]').length > MOST_COMMANDS
    if (isHeavy) return plain(text)
    // The breaks end a command that was never finished, which would else swallow the lines that follow.
    return withoutStyles(ansi.ansi_to_html(`${withoutControls(text)}\n\n`).replaceAll('\n', ''))
  }

  /** Most lines hold no command at all; they only need ansi_up while a colour is open. */
  function plainWithState(text: string): string {
    if (text.length > LONGEST_COLOURED) return plain(text)
    return withoutStyles(ansi.ansi_to_html(withoutControls(text)))
  }
}

function plain(text: string): string {
  const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text
  return escapeHtml(withoutControls(shown.replaceAll(/\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~])?/g, '')))
}

/** All but tab, escape and bell, which ends a command. */
function withoutControls(text: string): string {
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  return text.replaceAll(/[\x00-\x06\x08\x0a-\x1a\x1c-\x1f\x7f]/g, '')
}

/** What a carriage return wrote over is gone on a terminal too: progress bars show their last state. */
function lastRewrite(text: string): string {
  const trimmed = text.endsWith('\r') ? text.slice(0, -1) : text
  return trimmed.slice(trimmed.lastIndexOf('\r') + 1)
}

/** Only what ansi_up itself writes has an unescaped quote, so this cannot meet text of the log. */
function withoutStyles(html: string): string {
  return html.replaceAll(
    /<span style="([^"]*)"(?: class="([^"]*)")?>/g,
    (_, style: string, classes: string | undefined) => {
      const names = style.split(';').map(classOf)
      return `<span class="${[...names, classes ?? ''].filter((name) => name !== '').join(' ')}">`
    },
  )
}

function classOf(declaration: string): string {
  const known = STYLES[declaration]
  if (known !== undefined) return known
  const colour = /^(background-)?color:rgb\((\d+),(\d+),(\d+)\)$/.exec(declaration)
  if (colour === null) return ''
  const [, isBackground, ...parts] = colour
  return `ansi-${nearest(parts.map(Number))}-${isBackground === undefined ? 'fg' : 'bg'}`
}

function nearest([red = 0, green = 0, blue = 0]: readonly number[]): string {
  const distance = ([, r, g, b]: (typeof COLOURS)[number]): number =>
    (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2
  return COLOURS.reduce((best, next) => (distance(next) < distance(best) ? next : best))[0]
}
