import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Alias,
  type Document,
  type LineCounter,
  type Node,
  type Pair,
} from 'yaml'
import {
  MAX_YAML_ALIASES,
  MAX_YAML_LEVELS,
  MAX_YAML_VALUES,
  pointerOf,
  type KeyPath,
  type YamlMark,
  type YamlPosition,
  type YamlReading,
} from './yaml-reading.ts'

/** Turns parsed nodes into plain values and remembers where each one stands. Stops at the first limit that breaks. */
export function convertYamlNodes(document: Document, lines: LineCounter): YamlReading {
  const walk: Walk = { document, lines, marks: new Map(), targets: new Map(), values: 0 }
  try {
    const root = document.contents
    return { kind: 'ok', value: root === null ? null : convert(walk, root, [], undefined), marks: walk.marks }
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown
    return { kind: 'invalid', problems: [{ ...thrown.position, message: thrown.message, hint: thrown.hint }] }
  }
}

const ANCHOR_HINT = 'an alias (*name) needs an anchor (&name) above it; quote the value if it begins with *'

interface Walk {
  readonly document: Document
  readonly lines: LineCounter
  readonly marks: Map<string, YamlMark>
  /** Finding an anchor searches the document, so each alias is resolved once. */
  readonly targets: Map<Alias, Node>
  values: number
}

/** Leaves the recursion; never leaves this file. */
class Refusal extends Error {
  readonly position: YamlPosition
  readonly hint: string

  constructor(position: YamlPosition, message: string, hint: string) {
    super(message)
    this.position = position
    this.hint = hint
  }
}

function convert(walk: Walk, node: Node, path: KeyPath, key: YamlPosition | undefined): unknown {
  walk.values += 1
  if (walk.values > MAX_YAML_VALUES) {
    throw new Refusal(
      positionOf(walk, node),
      `the file holds more than ${MAX_YAML_VALUES} values`,
      'use fewer aliases, or split the file',
    )
  }
  if (path.length > MAX_YAML_LEVELS) {
    throw new Refusal(
      positionOf(walk, node),
      `nested deeper than ${MAX_YAML_LEVELS} levels`,
      'an alias may hold itself; flatten the file',
    )
  }
  walk.marks.set(pointerOf(path), markOf(walk, node, key))
  const target = isAlias(node) ? targetOf(walk, node) : node
  if (isMap(target)) return convertMap(walk, target.items, path)
  if (isSeq(target)) return target.items.map((item, index) => convertItem(walk, item, [...path, index]))
  return isScalar(target) ? target.value : null
}

function convertItem(walk: Walk, item: unknown, path: KeyPath): unknown {
  if (isPresent(item)) return convert(walk, item, path, undefined)
  return null
}

function convertMap(walk: Walk, pairs: readonly Pair[], path: KeyPath): Record<string, unknown> {
  const merged: Record<string, unknown> = {}
  const own: Record<string, unknown> = {}
  for (const pair of pairs) {
    const { name, position } = keyOf(walk, pair, path)
    if (name === '<<') {
      Object.assign(merged, mergedValues(walk, pair, path, position))
    } else if (isPresent(pair.value)) {
      own[name] = convert(walk, pair.value, [...path, name], position)
    } else {
      walk.marks.set(pointerOf([...path, name]), { ...position, endLine: position.line, key: position })
      own[name] = null
    }
  }
  return { ...merged, ...own }
}

/** `<<: *defaults` copies the keys of the map that `defaults` anchors; keys written beside it win. */
function mergedValues(walk: Walk, pair: Pair, path: KeyPath, position: YamlPosition): object {
  const value = isPresent(pair.value) ? convert(walk, pair.value, [...path, '<<'], position) : null
  const maps = Array.isArray(value) ? value.toReversed() : [value]
  if (maps.every((map) => typeof map === 'object' && map !== null && !Array.isArray(map)))
    return Object.assign({}, ...maps)
  throw new Refusal(position, '<< merges maps only', 'write an alias of a map: <<: *name')
}

function keyOf(walk: Walk, pair: Pair, path: KeyPath): { readonly name: string; readonly position: YamlPosition } {
  const key = pair.key
  const position = isPresent(key) ? positionOf(walk, key) : (walk.marks.get(pointerOf(path)) ?? { line: 1, column: 1 })
  if (!isScalar(key) || key.value === null || typeof key.value === 'object') {
    throw new Refusal(position, 'a key must be plain text', 'write key: value')
  }
  const name = typeof key.value === 'number' ? (key.source ?? String(key.value)) : String(key.value)
  if (name === '__proto__') throw new Refusal(position, 'the key __proto__ is not allowed', 'use another name')
  return { name, position }
}

function targetOf(walk: Walk, alias: Alias): Node {
  const known = walk.targets.get(alias)
  if (known !== undefined) return known
  if (walk.targets.size >= MAX_YAML_ALIASES) {
    throw new Refusal(
      positionOf(walk, alias),
      `the file holds more than ${MAX_YAML_ALIASES} aliases`,
      'write some of them out',
    )
  }
  const target = alias.resolve(walk.document)
  if (target === undefined)
    throw new Refusal(positionOf(walk, alias), `the anchor ${alias.source} is not known`, ANCHOR_HINT)
  walk.targets.set(alias, target)
  return target
}

function markOf(walk: Walk, node: Node, key: YamlPosition | undefined): YamlMark {
  const start = positionOf(walk, node)
  const end = walk.lines.linePos(Math.max(node.range?.[0] ?? 0, (node.range?.[1] ?? 1) - 1))
  const mark = { ...start, endLine: end.line, ...(key === undefined ? {} : { key }) }
  if (!isScalar(node) || typeof node.value !== 'number' || node.source === undefined) return mark
  return node.source === String(node.value) ? mark : { ...mark, source: node.source }
}

function positionOf(walk: Walk, node: Node): YamlPosition {
  const { line, col } = walk.lines.linePos(node.range?.[0] ?? 0)
  return { line, column: col }
}

function isPresent(node: unknown): node is Node {
  return isMap(node) || isSeq(node) || isScalar(node) || isAlias(node)
}
