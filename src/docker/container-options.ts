/**
 * From what a container is for to the body the Engine is sent. The body is built here from fields we know and from
 * nothing else: no object that came from a file, a webhook or a person is ever merged into it, so privileged mode,
 * host mounts, devices and the host's network cannot be asked for.
 */
import { LABEL } from './labels.ts'
import type { Labels } from './labels.ts'

export interface ContainerSpec {
  readonly image: string
  /** Undefined leaves the image's own. */
  readonly entrypoint?: readonly string[] | undefined
  readonly command?: readonly string[] | undefined
  readonly env?: Readonly<Record<string, string>>
  /** `uid[:gid]` or a name of the image. */
  readonly user?: string | undefined
  readonly workdir?: string | undefined
  /** Named volumes only. */
  readonly volumes?: readonly VolumeMount[]
  readonly tmpfs?: readonly { readonly path: string; readonly sizeBytes: number }[]
  readonly network: ContainerNetwork
  readonly resources: ContainerResources
  readonly readOnlyRoot?: boolean
  /** `none` unless an image must become another user or own files at its start, as databases do. */
  readonly capabilities?: 'none' | 'own_files_and_user' | undefined
  /** Such as `runsc`; undefined takes the host's default. */
  readonly runtime?: string | undefined
  /** Host ports, only for what an admin configured, such as the proxy. */
  readonly ports?: readonly { readonly container: number; readonly host: number; readonly address?: string }[]
  /** `always` for what must survive a restart of the host. */
  readonly restart?: 'no' | 'always'
  readonly stopSignal?: string | undefined
  /** Written by `ownershipLabels('container', ...)`. */
  readonly labels: Labels
}

export interface VolumeMount {
  readonly volume: string
  readonly path: string
  readonly readOnly?: boolean
}

export type ContainerNetwork =
  | { readonly kind: 'none' }
  /** The Engine's bridge: a way out, no names of other containers. */
  | { readonly kind: 'default' }
  | { readonly kind: 'named'; readonly name: string; readonly aliases?: readonly string[] }

export interface ContainerResources {
  readonly memoryBytes: number
  readonly cpus: number
  readonly pids: number
}

/**
 * The Engine's own copy of the output is only read after a crash of ours. The driver `local` keeps bytes as they are,
 * which json-file does not, and four full files plus the current one hold more than we store.
 */
export const RETAINED_LOG = { fileMegabytes: 20, files: 5 } as const

/** What images need that start as root and then give up their rights. */
const OWN_FILES_AND_USER = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID']
const NANO = 1_000_000_000

export function containerBody(spec: ContainerSpec): Readonly<Record<string, unknown>> {
  if (spec.labels[LABEL.instance] === undefined || spec.labels[LABEL.object] !== 'container') {
    throw new TypeError('a container without our labels would never be found again')
  }
  return {
    Image: spec.image,
    ...(spec.entrypoint === undefined ? {} : { Entrypoint: spec.entrypoint }),
    ...(spec.command === undefined ? {} : { Cmd: spec.command }),
    Env: Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`),
    ...(spec.user === undefined ? {} : { User: spec.user }),
    ...(spec.workdir === undefined ? {} : { WorkingDir: spec.workdir }),
    ...(spec.stopSignal === undefined ? {} : { StopSignal: spec.stopSignal }),
    Labels: spec.labels,
    Tty: false,
    OpenStdin: false,
    ...exposedPorts(spec),
    HostConfig: hostConfig(spec),
    ...endpoints(spec.network),
  }
}

function hostConfig(spec: ContainerSpec): Readonly<Record<string, unknown>> {
  return {
    Mounts: (spec.volumes ?? []).map((mount) => ({
      Type: 'volume',
      Source: mount.volume,
      Target: mount.path,
      ReadOnly: mount.readOnly ?? false,
    })),
    Tmpfs: Object.fromEntries(
      (spec.tmpfs ?? []).map((mount) => [mount.path, `rw,nosuid,nodev,size=${mount.sizeBytes}`]),
    ),
    NetworkMode: networkMode(spec.network),
    PortBindings: Object.fromEntries(
      (spec.ports ?? []).map((port) => [
        `${port.container}/tcp`,
        [{ HostIp: port.address ?? '', HostPort: String(port.host) }],
      ]),
    ),
    Memory: spec.resources.memoryBytes,
    // Equal to the memory, or as much again could be swapped.
    MemorySwap: spec.resources.memoryBytes,
    NanoCpus: Math.round(spec.resources.cpus * NANO),
    PidsLimit: spec.resources.pids,
    Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
    CapDrop: ['ALL'],
    CapAdd: spec.capabilities === 'own_files_and_user' ? OWN_FILES_AND_USER : [],
    SecurityOpt: ['no-new-privileges'],
    ReadonlyRootfs: spec.readOnlyRoot ?? false,
    Privileged: false,
    // The first process reaps what others leave behind and passes SIGTERM on, which a shell does not.
    Init: true,
    LogConfig: {
      Type: 'local',
      Config: {
        'max-size': `${RETAINED_LOG.fileMegabytes}m`,
        'max-file': String(RETAINED_LOG.files),
        compress: 'false',
      },
    },
    RestartPolicy: { Name: spec.restart ?? 'no' },
    ...(spec.runtime === undefined ? {} : { Runtime: spec.runtime }),
  }
}

function networkMode(network: ContainerNetwork): string {
  switch (network.kind) {
    case 'none':
      return 'none'
    case 'default':
      return 'bridge'
    case 'named':
      return network.name
  }
}

function endpoints(network: ContainerNetwork): Readonly<Record<string, unknown>> {
  if (network.kind !== 'named') return {}
  return { NetworkingConfig: { EndpointsConfig: { [network.name]: { Aliases: network.aliases ?? [] } } } }
}

function exposedPorts(spec: ContainerSpec): Readonly<Record<string, unknown>> {
  if (spec.ports === undefined) return {}
  return { ExposedPorts: Object.fromEntries(spec.ports.map((port) => [`${port.container}/tcp`, {}])) }
}
