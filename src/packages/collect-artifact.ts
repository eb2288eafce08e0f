import { matchesGlob } from '../config/glob.ts'
import type { BlobStore, StoredBlob } from '../core/blob-store.ts'
import type { Workspace } from './ports.ts'

/** Bytes. Larger artifacts belong into a registry. */
const LARGEST_ARTIFACT = 4 * 1024 ** 3
/** Named in a message; the rest is counted. */
const MOST_NAMED = 10

export type CollectedArtifact =
  | { readonly kind: 'collected'; readonly blob: StoredBlob; readonly fileName: string }
  | { readonly kind: 'refused'; readonly message: string }

/**
 * Keeps the one file that the pattern means. None, several, or a link in its place is the package's mistake. The bytes
 * go to the blob store in the same pass; what turns out to be one of several is no row's bytes and is swept there.
 */
export async function collectArtifact(
  workspace: Workspace,
  pattern: string,
  blobs: BlobStore,
  signal: AbortSignal,
): Promise<CollectedArtifact> {
  const paths: string[] = []
  let blob: StoredBlob | null = null
  for await (const file of workspace.files(signal)) {
    const isMeant = file.type !== 'directory' && !file.path.startsWith('.git/') && matchesGlob([pattern], file.path)
    if (isMeant && file.type !== 'file') {
      file.content.resume()
      return { kind: 'refused', message: `${JSON.stringify(file.path)} is a link, not a file` }
    }
    if (isMeant) paths.push(file.path)
    if (isMeant && blob === null) blob = await blobs.put(file.content, { maxBytes: LARGEST_ARTIFACT })
    else file.content.resume()
  }
  const [path] = paths
  if (blob === null || path === undefined)
    return { kind: 'refused', message: `no file matches ${JSON.stringify(pattern)}` }
  if (paths.length > 1)
    return { kind: 'refused', message: `${paths.length} files match ${JSON.stringify(pattern)}: ${named(paths)}` }
  return { kind: 'collected', blob, fileName: path.slice(path.lastIndexOf('/') + 1) }
}

function named(paths: readonly string[]): string {
  const rest = paths.length - MOST_NAMED
  const shown = paths
    .slice(0, MOST_NAMED)
    .toSorted()
    .map((path) => JSON.stringify(path))
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ')
}
