/** Finds the operation a request means, by method and path template. */
import type { Description, Operation } from './description.ts'

export interface Matched {
  readonly operation: Operation
  readonly path: Readonly<Record<string, string>>
}

export type OperationMatcher = (method: string, path: string) => Matched | undefined

/** Parameters whose value may hold slashes, in GitHub's practice if not in its description. */
const spanning = new Set(['ref', 'path', 'branch', 'basehead', 'environment_name'])

/** Templates with the most fixed segments are tried first, so that `/installations` wins over `/{id}`. */
export function createOperationMatcher(description: Description): OperationMatcher {
  const routes = description.operations
    .map((operation) => ({ operation, pattern: toPattern(operation.path), weight: weigh(operation.path) }))
    .sort((a, b) => b.weight - a.weight)
  return (method, path) => {
    for (const { operation, pattern } of routes) {
      if (operation.method !== method) continue
      const found = pattern.exec(path)
      if (found === null) continue
      // A template without parameters has no groups at all.
      const values = decodeAll(found.groups ?? {})
      if (values !== undefined) return { operation, path: values }
    }
    return undefined
  }
}

function toPattern(template: string): RegExp {
  const source = template
    .split(/(\{\w+\})/)
    .map((part) => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1]
      if (name === undefined) return part.replace(/[.*+?^$()|[\]\\]/g, '\\$&')
      return spanning.has(name) ? `(?<${name}>.+?)` : `(?<${name}>[^/]+)`
    })
    .join('')
  // GitHub also answers `/contents` and `/contents/` for the root folder.
  const lenient = source.endsWith('/contents/(?<path>.+?)')
    ? source.replace('/(?<path>.+?)', '(?:/(?<path>.*))?')
    : source
  return new RegExp(`^${lenient}$`)
}

function weigh(template: string): number {
  return template.split('/').filter((segment) => !segment.startsWith('{')).length * 100 + template.length
}

function decodeAll(groups: Readonly<Record<string, string | undefined>>): Record<string, string> | undefined {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value ?? '')]))
  } catch {
    return undefined
  }
}
