import { SlipwayError } from '../core/errors.ts'
import { mergedSource, placeFaults, readingProblems, sourceOf, type ConfigSource } from './config-source.ts'
import { validateRepositoryConfig, type RepositoryConfigResult } from './parse-repository-config.ts'
import type { YamlParser } from './yaml-parser.ts'

export interface RepositoryName {
  readonly owner: string
  readonly name: string
}

/**
 * Null when the file, the repository or the permission to read it is not there; throws `config_invalid` when something
 * else is in its place. A null `ref` is the default branch.
 */
export type ReadFile = (
  repository: RepositoryName,
  path: string,
  ref: string | null,
) => Promise<string | Uint8Array | null>

export interface LoadPorts {
  readonly yaml: YamlParser
  readonly readFile: ReadFile
}

export const REPOSITORY_CONFIG_PATH = '.github/slipway.yml'

export type LoadResult = RepositoryConfigResult | { readonly kind: 'absent'; readonly problems: readonly [] }

/** Files in a chain of `_extends`; more is a mistake, and each costs a request. */
const MAX_FILES = 5

/**
 * Reads a repository's file with what it extends, as Probot does: a repository without the file gets the one of its
 * owner's `.github` repository; `_extends` names another file to start from; top-level keys merge, the nearer file
 * wins. Extended files come from their default branch. Each problem names the file it is in.
 */
export async function loadRepositoryConfig(
  ports: LoadPorts,
  repository: RepositoryName,
  ref: string | null,
): Promise<LoadResult> {
  const own: Location = { repository, path: REPOSITORY_CONFIG_PATH, ref, label: REPOSITORY_CONFIG_PATH }
  const shared = locate({ owner: repository.owner, name: '.github' }, REPOSITORY_CONFIG_PATH)
  const start = (await readLayer(ports, own)) ?? (repository.name === '.github' ? null : await readLayer(ports, shared))
  if (start === null) return { kind: 'absent', problems: [] }
  const layers = await collectLayers(ports, start)
  if ('problems' in layers) return { kind: 'invalid', problems: layers.problems }
  return validateRepositoryConfig(...mergeLayers(layers))
}

interface Location {
  readonly repository: RepositoryName
  readonly path: string
  readonly ref: string | null
  /** How problems name it. */
  readonly label: string
}

interface Layer {
  readonly location: Location
  readonly source: ConfigSource
  readonly value: unknown
}

type Invalid = Extract<RepositoryConfigResult, { kind: 'invalid' }>

async function readLayer(ports: LoadPorts, location: Location): Promise<Layer | Invalid | null> {
  const text = await readText(ports, location)
  if (text === null || (typeof text === 'object' && 'problems' in text)) return text
  const reading = await ports.yaml.parse(text)
  if (reading.kind === 'invalid') return { kind: 'invalid', problems: readingProblems(location.label, reading) }
  return { location, source: sourceOf(location.label, reading.marks), value: reading.value ?? {} }
}

/** A folder or a submodule in the file's place is told like any other mistake in it. */
async function readText(
  ports: LoadPorts,
  { repository, path, ref, label }: Location,
): Promise<string | Uint8Array | Invalid | null> {
  try {
    return await ports.readFile(repository, path, ref)
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code !== 'config_invalid') throw error
    const problem = {
      file: label,
      line: 1,
      column: 1,
      path: '',
      message: error.message,
      hint: 'put a file in its place',
    }
    return { kind: 'invalid', problems: [problem] }
  }
}

/** The nearest file first. */
async function collectLayers(ports: LoadPorts, start: Layer | Invalid): Promise<readonly Layer[] | Invalid> {
  const layers: Layer[] = []
  let layer = start
  for (;;) {
    if ('problems' in layer) return layer
    layers.push(layer)
    const written = isMap(layer.value) ? layer.value['_extends'] : undefined
    if (written === undefined) return layers
    const target = typeof written === 'string' ? targetOf(written, layer.location.repository.owner) : null
    if (target === null)
      return refusal(
        layer,
        '_extends does not name a file',
        'write repository, owner/repository or owner/repository:path.yml',
      )
    if (layers.some((seen) => samePlace(seen.location, target)))
      return refusal(layer, `${target.label} extends itself`, 'remove one _extends')
    if (layers.length === MAX_FILES)
      return refusal(layer, `more than ${MAX_FILES} files extend each other`, 'shorten the chain')
    const next = await readLayer(ports, target)
    if (next === null)
      return refusal(layer, `${target.label} cannot be read`, 'check its name, and that Slipway is installed there')
    layer = next
  }
}

function mergeLayers(layers: readonly Layer[]): [value: unknown, source: ConfigSource] {
  const [nearest] = layers
  const odd = layers.find((layer) => !isMap(layer.value)) ?? nearest
  if (odd === undefined || !isMap(odd.value))
    return [odd?.value, odd?.source ?? sourceOf(REPOSITORY_CONFIG_PATH, new Map())]
  const value: Record<string, unknown> = {}
  const owners = new Map<string, ConfigSource>()
  for (const layer of layers.toReversed()) {
    for (const [key, content] of Object.entries(isMap(layer.value) ? layer.value : {})) {
      value[key] = content
      owners.set(key, layer.source)
    }
  }
  return [value, mergedSource(nearest?.source ?? odd.source, owners)]
}

/** Probot's form: `repository`, `owner/repository`, either with `:path.yml`. */
const EXTENDS = /^(?:([A-Za-z\d](?:[A-Za-z\d]|-(?=[A-Za-z\d])){0,38})\/)?([\w.-]{1,100})(?::([\w./-]{1,200}\.ya?ml))?$/

function targetOf(written: string, owner: string): Location | null {
  const match = EXTENDS.exec(written)
  const path = match?.[3] ?? REPOSITORY_CONFIG_PATH
  if (match?.[2] === undefined || path.split('/').includes('..') || path.startsWith('/')) return null
  return locate({ owner: match[1] ?? owner, name: match[2] }, path)
}

function locate(repository: RepositoryName, path: string): Location {
  return { repository, path, ref: null, label: `${repository.owner}/${repository.name}:${path}` }
}

function samePlace(a: Location, b: Location): boolean {
  const address = ({ repository, path }: Location): string =>
    `${repository.owner}/${repository.name}`.toLowerCase() + `:${path}`
  return address(a) === address(b)
}

function refusal(layer: Layer, message: string, hint: string): Invalid {
  return { kind: 'invalid', problems: placeFaults(layer.source, [{ path: ['_extends'], message, hint }]) }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
