import { describe, expect, it } from 'vitest'
import { containerBody } from '../../../src/docker/container-options.ts'
import type { ContainerSpec } from '../../../src/docker/container-options.ts'
import { ownershipLabels } from '../../../src/docker/labels.ts'

const spec: ContainerSpec = {
  image: 'busybox',
  network: { kind: 'none' },
  resources: { memoryBytes: 1024, cpus: 0.5, pids: 16 },
  labels: ownershipLabels('container', { instance: 'here', run: '1' }),
}

describe('the body of a new container', () => {
  it('takes every right away and sets every limit', () => {
    expect(containerBody(spec)).toMatchObject({
      HostConfig: {
        CapDrop: ['ALL'],
        CapAdd: [],
        SecurityOpt: ['no-new-privileges'],
        Privileged: false,
        Init: true,
        NetworkMode: 'none',
        Memory: 1024,
        MemorySwap: 1024,
        NanoCpus: 500_000_000,
        PidsLimit: 16,
        Mounts: [],
        RestartPolicy: { Name: 'no' },
      },
    })
  })

  it('passes on nothing but what it knows, whatever an object from a file holds besides', () => {
    const hostile = {
      ...spec,
      Privileged: true,
      HostConfig: { Binds: ['/:/host'], PidMode: 'host' },
      privileged: true,
      binds: ['/:/host'],
      devices: ['/dev/sda'],
    }
    expect(containerBody(hostile)).toEqual(containerBody(spec))
  })

  it('joins a named network under its aliases', () => {
    expect(containerBody({ ...spec, network: { kind: 'named', name: 'net', aliases: ['db'] } })).toMatchObject({
      HostConfig: { NetworkMode: 'net' },
      NetworkingConfig: { EndpointsConfig: { net: { Aliases: ['db'] } } },
    })
  })

  it('mounts volumes by name, never folders of the host', () => {
    expect(containerBody({ ...spec, volumes: [{ volume: '/etc', path: '/x' }] })).toMatchObject({
      HostConfig: { Mounts: [{ Type: 'volume', Source: '/etc' }] },
    })
  })

  it('gives back only what starting as root needs, and only when asked', () => {
    expect(containerBody({ ...spec, capabilities: 'own_files_and_user' })).toMatchObject({
      HostConfig: { CapDrop: ['ALL'], CapAdd: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID'] },
    })
  })

  it('is refused without our labels', () => {
    expect(() => containerBody({ ...spec, labels: ownershipLabels('image', { instance: 'here' }) })).toThrow('labels')
  })
})
