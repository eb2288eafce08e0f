/** The README's picture: which room knows which, taken from the imports themselves. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** From the doors down to the vocabulary: the order in which the picture is drawn. */
const LAYERS = [
  ['doors', ['app', 'http', 'web', 'cli', 'simulate']],
  ['decisions', ['flow']],
  ['features', ['images', 'pool', 'pipeline', 'deployment', 'packages', 'report']],
  ['adapters', ['store', 'queue', 'docker', 'github', 'git', 'blobs', 'logs', 'haproxy', 'mail', 'notify', 'metrics']],
  ['ground', ['config', 'core']],
] as const

/** The README with the picture between its markers; unchanged when it has none. */
export async function architecturePicture(current: string): Promise<string> {
  const [begin, end] = ['<!-- architecture:begin -->', '<!-- architecture:end -->']
  const [from, to] = [current.indexOf(begin), current.indexOf(end)]
  if (from < 0 || to < from) return current
  const text = `\`\`\`mermaid\n${picture(await edges())}\n\`\`\``
  return `${current.slice(0, from + begin.length)}\n${text}\n${current.slice(to)}`
}

interface Cruise {
  readonly modules: readonly { source: string; dependencies: readonly { resolved: string }[] }[]
}

/** Pairs of rooms; who composes everything is left out, because an arrow to each room says nothing. */
async function edges(): Promise<ReadonlySet<string>> {
  const program = fileURLToPath(new URL('../../node_modules/.bin/depcruise', import.meta.url))
  const { stdout } = await promisify(execFile)(program, ['src', '--output-type', 'json'], {
    maxBuffer: 64 * 1024 * 1024,
  })
  const cruise: Cruise = JSON.parse(stdout)
  const pairs = cruise.modules.flatMap((module) =>
    module.dependencies.map(({ resolved }) => [room(module.source), room(resolved)] as const),
  )
  const isDrawn = (name: string): boolean => name !== '' && name !== 'core' && !isEntry(name)
  const drawn = pairs.filter(([from, to]) => from !== to && isDrawn(from) && isDrawn(to))
  return new Set(drawn.map(([from, to]) => `${from} --> ${to}`))
}

function room(path: string): string {
  return /^src\/([^/]+)/.exec(path)?.[1] ?? ''
}

function isEntry(name: string): boolean {
  return name === 'compose' || name.endsWith('.ts')
}

function picture(pairs: ReadonlySet<string>): string {
  const rooms = new Set([...pairs].flatMap((pair) => pair.split(' --> ')))
  const layers = LAYERS.flatMap(([layer, names]) => {
    const shown = names.filter((name) => rooms.has(name))
    return shown.length === 0 ? [] : [`  subgraph ${layer}`, ...shown.map((name) => `    ${name}`), '  end']
  })
  return ['flowchart TD', ...layers, ...[...pairs].toSorted().map((pair) => `  ${pair}`)].join('\n')
}
