import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack, type Header } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { compareArtifacts } from '../../../src/packages/compare-archives.ts'
import { readArchive } from '../../../src/packages/read-archive.ts'

type Member = Partial<Header> & { readonly name: string; readonly content?: string }

async function tarOf(...members: readonly Member[]): Promise<Buffer> {
  const tar = pack()
  for (const { content = '', ...header } of members) tar.entry(header, content)
  tar.finalize()
  return buffer(Readable.from(tar))
}

const read = (bytes: Buffer) => readArchive(() => Promise.resolve(Readable.from([bytes])))
const file = (name: string, content = 'x', change: Partial<Header> = {}): Member => ({
  name,
  content,
  mtime: new Date(0),
  ...change,
})

describe('an artifact', () => {
  it.each(['plain', 'gzipped'])('that is a %s tar is known by its members', async (kind) => {
    const tar = await tarOf(file('./a/b', 'hello'), { name: 'a', type: 'directory' })
    const contents = await read(kind === 'plain' ? tar : gzipSync(tar))
    expect(contents.kind === 'archive' ? [...contents.members.keys()] : contents).toEqual(['a/b', 'a'])
  })

  it.each([Buffer.alloc(0), Buffer.from('#!/bin/sh\n'), gzipSync('text'), Buffer.from([0x1f, 0x8b, 1, 2, 3])])(
    'that is any other file is taken as it is',
    async (bytes) => {
      expect(await read(bytes)).toEqual({ kind: 'plain' })
    },
  )

  it.each([
    ['../evil', file('../evil')],
    ['/etc/passwd', file('/etc/passwd')],
    ['a/../../evil', file('a/../../evil')],
    ['a symbolic link', { name: 'link', type: 'symlink', linkname: '/etc/passwd' } as const],
    ['a hard link', { name: 'link', type: 'link', linkname: '../evil' } as const],
    ['a device', { name: 'null', type: 'character-device' } as const],
  ])('with %s inside is refused', async (_what, member) => {
    expect(await read(await tarOf(file('good'), member))).toMatchObject({ kind: 'refused' })
  })

  it('that breaks off is refused', async () => {
    const tar = await tarOf(file('a', 'x'.repeat(5_000)))
    expect(await read(tar.subarray(0, 2_000))).toEqual({ kind: 'refused', message: 'the archive is damaged' })
    expect(await read(gzipSync(tar).subarray(0, -30))).toMatchObject({ kind: 'refused' })
  })
})

describe('two builds of one commit', () => {
  const compared = async (one: Buffer, other: Buffer) =>
    compareArtifacts(
      { sha256: '1', fileName: 'lib.ep', contents: await read(one) },
      { sha256: '2', contents: await read(other) },
    )

  it('have the same contents when only times and order differ', async () => {
    const one = await tarOf(file('a', '1'), file('b', '2'))
    const other = await tarOf(file('./b', '2', { mtime: new Date(9_000) }), file('./a', '1', { uid: 7 }))
    expect(await compared(one, gzipSync(other))).toEqual({ kind: 'same_contents' })
  })

  it('are different by name where a file changed, came, went or became executable', async () => {
    const one = await tarOf(file('same'), file('changed', '1'), file('gone'), file('mode', 'x', { mode: 0o644 }))
    const other = await tarOf(file('same'), file('changed', '2'), file('new'), file('mode', 'x', { mode: 0o755 }))
    expect(await compared(one, other)).toEqual({ kind: 'different', files: ['changed', 'gone', 'mode', 'new'] })
    expect(await compared(one, Buffer.from('text'))).toEqual({ kind: 'different', files: ['lib.ep'] })
  })
})
