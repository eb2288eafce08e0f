import { PassThrough, type Readable } from 'node:stream'
import { posix } from 'node:path'
import { extract, pack, type Pack } from 'tar-stream'
import { isSafePath } from './safe-path.ts'
import { WORKSPACE_FOLDER, WORKSPACE_PATH, type StageHost } from './ports.ts'

/** Neither setuid, setgid nor sticky: a cache must not carry rights from one run to another. */
const PLAIN_MODE = 0o777
/** Devices and the like have no place in a cache. */
const KEPT_TYPES = ['file', 'directory', 'symlink', 'link']

/**
 * Some folders and files of a workspace as one tar stream with the names that `StageHost.unpack` wants; null when
 * none of them exists. Links are kept: they are unpacked inside the container, where they can lead nowhere else.
 */
export async function packPaths(
  host: StageHost,
  containerId: string,
  paths: readonly string[],
): Promise<Readable | null> {
  const found: { readonly parent: string; readonly tar: Readable }[] = []
  for (const path of paths.filter(isSafePath)) {
    const tar = await host.tar(containerId, `${WORKSPACE_PATH}/${path}`)
    if (tar !== null) found.push({ parent: posix.dirname(path), tar })
  }
  if (found.length === 0) return null
  const packed = pack()
  const output = packed.pipe(new PassThrough())
  copyAll(packed, found).then(
    () => packed.finalize(),
    (error: unknown) => output.destroy(error instanceof Error ? error : new Error(String(error))),
  )
  return output
}

async function copyAll(
  packed: Pack,
  found: readonly { readonly parent: string; readonly tar: Readable }[],
): Promise<void> {
  for (const { parent, tar } of found) {
    const entries = extract()
    tar.on('error', (error) => entries.destroy(error))
    for await (const entry of tar.pipe(entries)) {
      const { header } = entry
      const type = header.type ?? 'file'
      if (!KEPT_TYPES.includes(type)) {
        entry.resume()
        continue
      }
      const name = posix.join(WORKSPACE_FOLDER, parent, header.name)
      const linkname = type === 'link' ? posix.join(WORKSPACE_FOLDER, parent, header.linkname ?? '') : header.linkname
      const target = packed.entry({
        ...header,
        name,
        linkname: linkname ?? null,
        mode: (header.mode ?? 0) & PLAIN_MODE,
      })
      for await (const chunk of entry) {
        if (!target.write(chunk)) await new Promise<void>((resolve) => target.once('drain', () => resolve()))
      }
      target.end(null)
    }
  }
}
