import { Readable } from 'node:stream'
import { extract, pack, type Pack } from 'tar-stream'

/**
 * A folder's archive without the folder: `erlang/bin/erl` becomes `bin/erl`. Times are set to zero and owners to root,
 * so that the same files always give the same bytes. `done` is called once, however the stream ends.
 */
export function rebasedTar(tar: Readable, done: () => Promise<void>): Readable {
  const packed = pack()
  repack(tar, packed).then(
    () => packed.finalize(),
    (error: Error) => packed.destroy(error),
  )
  return Readable.from(
    (async function* () {
      try {
        for await (const chunk of packed) yield chunk
      } finally {
        tar.destroy()
        await done()
      }
    })(),
    { objectMode: false },
  )
}

async function repack(tar: Readable, packed: Pack): Promise<void> {
  const entries = extract()
  tar.on('error', (error) => entries.destroy(error))
  for await (const entry of tar.pipe(entries)) {
    const { header } = entry
    const name = withoutFolder(header.name)
    if (name === '') {
      entry.resume()
      continue
    }
    const linkname = header.type === 'link' ? withoutFolder(header.linkname ?? '') : header.linkname
    const tidy = {
      ...header,
      name,
      linkname: linkname ?? null,
      mtime: new Date(0),
      uid: 0,
      gid: 0,
      uname: '',
      gname: '',
      pax: null,
    }
    await new Promise<void>((resolve, reject) => {
      const target = packed.entry(tidy, (error) => (error instanceof Error ? reject(error) : resolve()))
      entry.on('error', reject)
      if (header.type === 'file') entry.pipe(target)
      else entry.resume()
    })
  }
}

function withoutFolder(name: string): string {
  return name.replace(/^[^/]*\/?/, '')
}
