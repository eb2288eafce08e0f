import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { afterAll, describe, expect, it } from 'vitest'
import { connectDockerHost } from '../../../src/docker/connect-host.ts'
import { engineFailure } from '../../../src/docker/engine-error.ts'
import { copyImage, inspectImage, pullImage, removeImage, tagImage } from '../../../src/docker/images.ts'
import { connectNetwork, ensureNetwork, removeNetwork } from '../../../src/docker/networks.ts'
import { createContainer, startContainer } from '../../../src/docker/run-container.ts'
import { listOwned, sweepOwned } from '../../../src/docker/sweep.ts'
import {
  archiveEntries,
  ensureVolume,
  getArchive,
  listFiles,
  putArchive,
  removeVolume,
  withVolume,
} from '../../../src/docker/volumes.ts'
import { BUSYBOX, collectOutput, dockerSandbox } from './fixture.ts'

const sandbox = dockerSandbox()
const { engine } = sandbox.host
afterAll(() => sandbox.dispose())

async function run(script: string, more = {}): Promise<string> {
  const output = collectOutput()
  const created = await createContainer(engine, sandbox.script(script, more))
  if (created.kind !== 'created') throw new Error(created.kind)
  await startContainer(engine, created.id, output.sink)
  return output.text()
}

describe('a volume', () => {
  it('is filled, used by a plain user and read out again', async () => {
    const volume = sandbox.name('volume')
    await ensureVolume(engine, volume, sandbox.labels('volume'))
    await ensureVolume(engine, volume, sandbox.labels('volume'))
    const carrier = { volume, image: BUSYBOX, labels: sandbox.labels('container') }
    const tar = pack()
    tar.entry({ name: 'work', type: 'directory', mode: 0o755, uid: 1000, gid: 1000 })
    tar.entry({ name: 'work/source', uid: 1000, gid: 1000 }, 'from outside')
    tar.finalize()
    await withVolume(engine, carrier, (id, path) =>
      putArchive(engine, id, path, Readable.from(tar, { objectMode: false })),
    )

    const mounts = { volumes: [{ volume, path: '/v' }], user: '1000:1000', workdir: '/v/work' }
    expect(
      await run('cat source; echo made > result; mkdir d; echo deep > d/file; ln -s /etc/passwd link', mounts),
    ).toBe('from outside')

    await withVolume(engine, carrier, async (id, path) => {
      const files = await listFiles(engine, id, `${path}/work`)
      expect(files.map(({ path: name, type, sizeBytes }) => `${type} ${name} ${sizeBytes}`).sort()).toEqual([
        'directory d 0',
        'file d/file 5',
        'file result 5',
        'file source 12',
        'symlink link 0',
      ])
      const contents: string[] = []
      for await (const { header, content } of archiveEntries(engine, id, `${path}/work/d`))
        contents.push(`${header.name}=${Buffer.concat(await content.toArray()).toString()}`)
      expect(contents).toEqual(['file=deep\n'])
      expect(await getArchive(engine, id, `${path}/nothing`)).toBeUndefined()
    })
    expect((await removeVolume(engine, volume).catch(engineFailure)) ?? { kind: 'removed' }).toMatchObject({
      kind: 'conflict',
    })
  })
})

describe('a network', () => {
  it('is made once under one name and lets its containers find each other', async () => {
    const name = sandbox.name('network')
    const ids = await Promise.all(
      [1, 2, 3].map(() => ensureNetwork(engine, { name, labels: sandbox.labels('network'), internal: true })),
    )
    expect(new Set(ids).size).toBe(1)
    const server = await createContainer(
      engine,
      sandbox.script('echo found > /tmp/index.html; exec httpd -f -p 8080 -h /tmp', {
        network: { kind: 'named', name, aliases: ['db'] },
      }),
    )
    if (server.kind !== 'created') throw new Error(server.kind)
    await engine.call({ method: 'POST', path: `/containers/${server.id}/start` })
    expect(
      await run('for i in 1 2 3 4 5 6 7 8 9; do wget -qO- http://db:8080/ 2>/dev/null && exit; sleep 0.2; done', {
        network: { kind: 'named', name },
      }),
    ).toBe('found\n')
    await expect(removeNetwork(engine, name)).rejects.toThrow('active endpoints')
    await connectNetwork(engine, 'bridge', server.id)
  })
})

describe('an image', () => {
  it('has an id, and a second name', async () => {
    const image = await inspectImage(engine, BUSYBOX)
    const tag = `slipway-test/${sandbox.instance}:second`
    await tagImage(engine, BUSYBOX, tag)
    expect((await inspectImage(engine, tag))?.id).toBe(image?.id)
    expect(await removeImage(engine, tag)).toBe(true)
    expect(await removeImage(engine, tag)).toBe(true)
    expect(await inspectImage(engine, tag)).toBeUndefined()
  })

  it('goes from one Engine to another', async () => {
    const other = connectDockerHost({ name: 'other', endpoint: '/var/run/docker.sock' })
    await copyImage(engine, other.engine, BUSYBOX)
    other.close()
  })

  it('that cannot be pulled says why', async () => {
    expect(await pullImage(engine, '127.0.0.1:1/no/such:image')).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('connection refused'),
    })
  })
})

describe('sweeping', () => {
  it('removes what is not wanted any more, and nothing that is not ours', async () => {
    const instance = `${sandbox.instance}-sweep`
    const other = { ...sandbox.labels('container'), 'slipway.instance': instance }
    const spec = sandbox.script('true', { labels: { ...other, 'slipway.run': 'old' } })
    const [old, live] = await Promise.all([
      createContainer(engine, spec),
      createContainer(engine, sandbox.script('true', { labels: { ...other, 'slipway.run': 'live' } })),
    ])
    await ensureVolume(engine, `${sandbox.name('sweep')}-volume`, {
      ...sandbox.labels('volume'),
      'slipway.instance': instance,
    })
    // Somebody's own container, started from an image that we built: it shows our label by inheritance.
    const inherited = await engine.call({
      method: 'POST',
      path: '/containers/create',
      body: { Image: BUSYBOX, Labels: { ...sandbox.labels('image'), 'slipway.instance': instance } },
    })

    const { removed, remaining } = await sweepOwned(engine, { instance }, (object) => object.owner.run === 'live')
    expect(remaining).toEqual([])
    expect(removed.map((object) => `${object.kind} ${object.owner.run ?? ''}`)).toEqual(['container old', 'volume '])
    const left = await listOwned(engine, { instance })
    expect(left.map((object) => object.id)).toEqual([live.kind === 'created' ? live.id : ''])
    expect(old.kind).toBe('created')
    expect(Date.now() - (left[0]?.createdAt ?? 0)).toBeLessThan(600_000)

    const foreign = typeof inherited === 'object' && inherited !== null && 'Id' in inherited ? String(inherited.Id) : ''
    await engine.call({ method: 'DELETE', path: `/containers/${foreign}` })
    await sweepOwned(engine, { instance }, () => false)
  })
})
