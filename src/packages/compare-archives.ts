import type { PackageComparison } from '../core/package-report.ts'
import type { ArchiveContents } from './read-archive.ts'

/** Named in a message; the rest is counted. */
const MOST_NAMED = 20

/**
 * Two builds of one commit rarely give the same bytes, because archives hold times; what counts to people is whether
 * the files in them are the same.
 */
export function compareArtifacts(
  released: { readonly sha256: string; readonly fileName: string; readonly contents: ArchiveContents },
  rebuilt: { readonly sha256: string; readonly contents: ArchiveContents },
): PackageComparison {
  if (released.sha256 === rebuilt.sha256) return { kind: 'same_bytes' }
  if (released.contents.kind !== 'archive' || rebuilt.contents.kind !== 'archive') {
    return { kind: 'different', files: [released.fileName] }
  }
  const files = differences(released.contents.members, rebuilt.contents.members)
  if (files.length === 0) return { kind: 'same_contents' }
  const rest = files.length - MOST_NAMED
  return { kind: 'different', files: rest > 0 ? [...files.slice(0, MOST_NAMED), `and ${rest} more`] : files }
}

function differences(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): readonly string[] {
  const names = new Set([...one.keys(), ...other.keys()])
  return [...names].filter((name) => one.get(name) !== other.get(name)).toSorted()
}
