/**
 * The commands of a step as one script: a failing one ends it, and the shell's state (folder, variables) carries over.
 * Each command is shown before it runs. It is a file in the run's volume and never part of a command line of ours.
 */
export function stepScript(commands: readonly string[]): string {
  const lines = commands.flatMap((command) => [`printf '+ %s\\n' ${quoted(command)}`, command])
  return ['set -e', ...lines, ''].join('\n')
}

/** Inside single quotes a POSIX shell interprets nothing. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** Where the script of a step lies in the volume. */
export function scriptPath(step: number): string {
  return `steps/${step + 1}.sh`
}
