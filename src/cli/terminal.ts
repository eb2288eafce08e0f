/** Where commands write: results to standard output, everything about them to standard error. */
import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

export interface Terminal {
  /** A person reads along and the output may be coloured and rewritten. */
  readonly isInteractive: boolean
  /** One line of the result. */
  line(text?: string): void
  /** The result for programs. */
  json(value: unknown): void
  /** One line about what is going on. */
  note(text: string): void
  styled(style: Style, text: string): string
  /** Columns as wide as their widest cell; the last one is not padded. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void
}

export function createTerminal(
  out: NodeJS.WriteStream,
  err: NodeJS.WriteStream,
  environment: NodeJS.ProcessEnv,
): Terminal {
  const isInteractive = out.isTTY && environment['CI'] === undefined
  const isColoured = out.isTTY && environment['NO_COLOR'] === undefined
  const styled = (style: Style, text: string): string => (isColoured ? styleText(style, text) : text)
  const line = (text = ''): void => {
    out.write(`${text}\n`)
  }
  return {
    isInteractive,
    line,
    json: (value) => line(JSON.stringify(value, null, 2)),
    note: (text) => {
      err.write(`${text}\n`)
    },
    styled,
    table(head, rows) {
      const widths = head.map((title, column) =>
        Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
      )
      const format = (row: readonly string[]): string =>
        row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ')
      line(styled('dim', format(head)))
      for (const row of rows) line(format(row))
    },
  }
}
