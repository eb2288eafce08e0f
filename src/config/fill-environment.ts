import type { ConfigFault } from './config-source.ts'
import { fillTemplate } from './fill-template.ts'
import type { KeyPath } from './yaml-reading.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface FilledTree {
  readonly value: unknown
  readonly faults: readonly ConfigFault[]
}

/**
 * Replaces `${NAME}` in every text of a parsed file. Done after parsing, so that a variable's value can never become
 * structure. An unset or empty variable is a fault: a token that is empty by accident must not become a token.
 */
export function fillEnvironment(tree: unknown, environment: Environment, path: KeyPath = []): FilledTree {
  if (typeof tree === 'string') return fillText(tree, environment, path)
  if (Array.isArray(tree)) return fillList(tree, environment, path)
  if (typeof tree !== 'object' || tree === null) return { value: tree, faults: [] }
  const entries = Object.entries(tree).map(
    ([key, value]) => [key, fillEnvironment(value, environment, [...path, key])] as const,
  )
  return {
    value: Object.fromEntries(entries.map(([key, filled]) => [key, filled.value])),
    faults: entries.flatMap(([, filled]) => filled.faults),
  }
}

function fillList(list: readonly unknown[], environment: Environment, path: KeyPath): FilledTree {
  const items = list.map((item, index) => fillEnvironment(item, environment, [...path, index]))
  return { value: items.map((item) => item.value), faults: items.flatMap((item) => item.faults) }
}

function fillText(text: string, environment: Environment, path: KeyPath): FilledTree {
  const { text: value, unknown } = fillTemplate(text, (name) => {
    if (!/^[A-Za-z_]\w*$/.test(name) || !Object.hasOwn(environment, name)) return undefined
    return environment[name] === '' ? undefined : environment[name]
  })
  const faults = unknown.map((name) => ({
    path,
    message: `the environment variable ${name} is not set`,
    hint: `set ${name}, or write $\${${name}} to keep it as text`,
  }))
  return { value, faults }
}
