import { randomBytes } from 'node:crypto'
import { connectDockerHost } from '../../../src/docker/connect-host.ts'
import type { DockerHost } from '../../../src/docker/connect-host.ts'
import type { ContainerSpec } from '../../../src/docker/container-options.ts'
import type { ContainerOutput } from '../../../src/docker/demultiplex.ts'
import { ownershipLabels } from '../../../src/docker/labels.ts'
import type { ObjectKind, Ownership } from '../../../src/docker/labels.ts'
import { sweepOwned } from '../../../src/docker/sweep.ts'

/** An image that the test machine has; it holds a static busybox. */
export const BUSYBOX = 'busybox:latest'

export interface Sandbox {
  readonly host: DockerHost
  readonly instance: string
  /** A name that no other test uses. */
  name(part: string): string
  labels(kind: ObjectKind, more?: Omit<Ownership, 'instance'>): Readonly<Record<string, string>>
  /** A container that runs a script of busybox's shell. */
  script(script: string, more?: Partial<ContainerSpec>): ContainerSpec
  dispose(): Promise<void>
}

/** The real Engine, seen by an installation of its own whose objects are all removed afterwards. */
export function dockerSandbox(): Sandbox {
  const host = connectDockerHost({ name: 'local', endpoint: 'unix:///var/run/docker.sock' })
  const instance = `test-${randomBytes(6).toString('hex')}`
  const labels: Sandbox['labels'] = (kind, more = {}) => ownershipLabels(kind, { instance, ...more })
  return {
    host,
    instance,
    name: (part) => `slipway-${instance}-${part}`,
    labels,
    script: (script, more = {}) => ({
      image: BUSYBOX,
      command: ['sh', '-c', script],
      network: { kind: 'none' },
      resources: { memoryBytes: 64 * 1024 * 1024, cpus: 1, pids: 64 },
      labels: labels('container'),
      ...more,
    }),
    dispose: async () => {
      const { remaining } = await sweepOwned(host.engine, { instance }, () => false)
      host.close()
      if (remaining.length > 0) throw new Error(`left on the host: ${JSON.stringify(remaining)}`)
    },
  }
}

export interface CollectedOutput {
  readonly sink: (output: ContainerOutput) => void
  text(stream?: ContainerOutput['stream']): string
  bytes(stream: ContainerOutput['stream']): Buffer
}

export function collectOutput(): CollectedOutput {
  const seen: ContainerOutput[] = []
  const bytes = (stream?: ContainerOutput['stream']): Buffer =>
    Buffer.concat(
      seen.filter((output) => stream === undefined || output.stream === stream).map((output) => output.bytes),
    )
  return {
    sink: (output) => seen.push({ ...output, bytes: Buffer.from(output.bytes) }),
    text: (stream) => bytes(stream).toString('utf8'),
    bytes,
  }
}
