import { Readable } from 'node:stream'
import { extract, pack } from 'tar-stream'
import type { Header, Pack } from 'tar-stream'

/** Says under which header an entry goes on; undefined leaves it out. */
export type EntryRule = (header: Header) => Header | undefined

export interface AddedFile {
  readonly name: string
  readonly content: Buffer
}

/**
 * Passes one tar stream after the other through a rule into a new one, at the reader's pace. Entries are only named
 * and described, never written to a disk of ours, so a name like `../x` or a link out of the tree has no power here.
 * A source that breaks breaks the result.
 */
export function repackTar(
  sources: readonly (() => Promise<Readable> | Readable)[],
  rule: EntryRule,
  added: readonly AddedFile[] = [],
): Readable {
  const output = pack()
  const work = async (): Promise<void> => {
    for (const open of sources) await repackOne(await open(), rule, output)
    for (const file of added) {
      await new Promise<void>((resolve, reject) =>
        output.entry({ name: file.name, mode: 0o644, mtime: new Date(0) }, file.content, (error) =>
          error ? reject(error) : resolve(),
        ),
      )
    }
    output.finalize()
  }
  work().catch((thrown: Error) => output.destroy(thrown))
  return Readable.from(output, { objectMode: false })
}

async function repackOne(source: Readable, rule: EntryRule, output: Pack): Promise<void> {
  const entries = extract()
  source.on('error', (error) => entries.destroy(error))
  output.once('close', () => source.destroy())
  for await (const entry of source.pipe(entries)) {
    const header = rule(entry.header)
    if (header === undefined) {
      entry.resume()
      continue
    }
    // Long names are written anew as the new header needs it.
    const target = output.entry({ ...header, pax: null })
    if (header.size === 0) entry.resume()
    else for await (const chunk of entry) if (!target.write(chunk)) await writable(target)
    target.end(null)
  }
}

/** Also returns when the reader gave up; the next write then goes nowhere and the loop ends with its source. */
function writable(target: ReturnType<Pack['entry']>): Promise<void> {
  return new Promise((resolve) => {
    target.once('drain', () => resolve())
    target.once('close', () => resolve())
  })
}
