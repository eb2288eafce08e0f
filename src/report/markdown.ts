/**
 * Small pieces of GitHub's Markdown. Whatever comes from a repository (branch names, commands, log lines) is untrusted
 * and may not become markup, a link or a mention.
 */

/** Text that shows as it is, in a paragraph or a table cell. */
export function plain(text: string): string {
  return text
    .replaceAll(/[\r\n\t]+/g, ' ')
    .replaceAll(/[\\`*_{}[\]()#+\-.!|<>~@&:$]/g, (sign) => (/[.\-():+!#{}$&]/.test(sign) ? sign : `\\${sign}`))
    .replaceAll('\\@', '@\u200B')
    .replaceAll('\\<', '&lt;')
    .replaceAll('\\>', '&gt;')
}

/** `code`, fenced by as many backticks as its content needs. */
export function code(text: string): string {
  const oneLine = text.replaceAll(/[\r\n]+/g, ' ').replaceAll('|', '\\|')
  const longest = Math.max(0, ...[...oneLine.matchAll(/`+/g)].map((run) => run[0].length))
  const fence = '`'.repeat(longest + 1)
  const pad = oneLine.startsWith('`') || oneLine.endsWith('`') ? ' ' : ''
  return `${fence}${pad}${oneLine}${pad}${fence}`
}

/** A block of lines as they are; the fence is longer than any in it. */
export function block(lines: readonly string[]): string {
  const text = lines.map(withoutControls).join('\n')
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map((run) => run[0].length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}text\n${text}\n${fence}`
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Paragraphs, leaving out what is empty. */
export function paragraphs(...parts: readonly (string | null | false)[]): string {
  return parts.filter((part) => typeof part === 'string' && part !== '').join('\n\n')
}

/** Colours and other escape sequences say nothing on GitHub; NUL and the like are refused by it. */
function withoutControls(line: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  return line.replaceAll(/\u001B\[[0-9;?]*[ -/]*[@-~]/g, '').replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F]/g, '')
}
