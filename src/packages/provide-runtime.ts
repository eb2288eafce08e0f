import type { BlobStore } from '../core/blob-store.ts'
import type { RuntimeRecord, RuntimeStore, Workbench } from './ports.ts'

const VERSION = /^[A-Za-z0-9._-]{1,100}$/

/**
 * The Erlang runtime of the image that builds packages for this value of `erl_version`. It is taken out of the image
 * when it is first asked for; from then on the same bytes are given for ever, whatever the image's name means later.
 * Null when no package was ever built for it, or its image has no Erlang.
 */
export async function provideRuntime(
  deps: { readonly runtimes: RuntimeStore; readonly workbench: Workbench; readonly blobs: BlobStore },
  version: string,
  signal: AbortSignal,
): Promise<RuntimeRecord | null> {
  if (!VERSION.test(version)) return null
  const kept = await deps.runtimes.get(version)
  if (kept !== null) return kept
  const from = await deps.runtimes.imageFor(version)
  if (from === null) return null
  const tar = await deps.workbench.runtime(from.host, from.image, signal)
  if (tar === null) return null
  return deps.runtimes.keep({ version, image: from.image, ...(await deps.blobs.put(tar)) })
}
