import Docker from 'dockerode'
import { expect, it } from 'vitest'
import { startPrivateDocker } from '../../support/docker-daemon.ts'

const root = process.getuid?.() === 0

it.runIf(root)('a private Engine survives its own crash and forms a Swarm with another', async () => {
  const [one, two] = await Promise.all([startPrivateDocker(), startPrivateDocker({ images: [] })])
  try {
    const first = new Docker({ socketPath: one.socket })
    await first.createContainer({ Image: 'busybox:latest', name: 'kept', Cmd: ['true'] })
    await one.kill()
    await expect(first.ping()).rejects.toThrow()
    await one.restart()
    expect((await first.getContainer('kept').inspect()).State.Status).toBe('created')

    await first.swarmInit({ ListenAddr: '0.0.0.0:2377', AdvertiseAddr: one.address })
    const { JoinTokens: tokens } = await first.swarmInspect()
    await new Docker({ socketPath: two.socket }).swarmJoin({
      ListenAddr: '0.0.0.0:2377',
      AdvertiseAddr: two.address,
      RemoteAddrs: [`${one.address}:2377`],
      JoinToken: tokens.Worker,
    })
    expect(await first.listNodes()).toHaveLength(2)
  } finally {
    await Promise.all([one.stop(), two.stop()])
  }
})
