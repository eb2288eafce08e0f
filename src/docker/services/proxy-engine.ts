import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import tar from 'tar-stream'
import { z } from 'zod'
import { SlipwayError } from '../../core/errors.ts'
import { createMasker } from '../../core/mask-secrets.ts'
import type { ProxyContainer, ProxyEngine } from '../../deployment/ports.ts'
import { segment, type DockerEngine } from '../engine.ts'
import { engineFailure, unlessMissing } from '../engine-error.ts'
import { ownerOf, ownershipLabels } from '../labels.ts'
import { execInContainer } from './exec.ts'
import { logTail } from './log-tail.ts'
import { PROXY_LABEL } from './rollout-labels.ts'

/** In place of a service's id: the proxy and its network belong to all services of the host. */
export const PROXY_OWNER = 'proxy'

/** What the proxy's adapter needs of one Engine. `instance` is the id of this installation. */
export function createProxyEngine(engine: DockerEngine, instance: string): ProxyEngine {
  return {
    host: engine.host,
    instance,
    ensureNetwork: async (name) => ({
      subnet: (await subnetOf(engine, name)) ?? (await makeNetwork(engine, instance, name)),
    }),
    ensureContainer: (wanted, files) => ensureContainer(engine, instance, wanted, files),
    writeFiles: (containerId, files) => writeFiles(engine, containerId, files),
    exec: (containerId, argv) =>
      execInContainer(engine, containerId, argv).catch(async (thrown: unknown) => {
        if (engineFailure(thrown).kind !== 'conflict') throw thrown
        // It is not running: what it wrote last says why.
        return { exitCode: -1, output: (await logTail(engine, 'containers', containerId, createMasker([]))).join('\n') }
      }),
  }
}

async function subnetOf(engine: DockerEngine, name: string): Promise<string | null> {
  const answer = await unlessMissing(engine.call({ method: 'GET', path: `/networks/${segment(name)}` }))
  return answer === undefined ? null : (networkAnswer.parse(answer).IPAM.Config?.[0]?.Subnet ?? null)
}

/**
 * Containers may only choose their addresses on a network whose subnet was given, and only Docker knows which subnets
 * are free on the host: so it is asked to choose one, and the network is made again with just that.
 */
async function makeNetwork(engine: DockerEngine, instance: string, name: string): Promise<string> {
  const labels = ownershipLabels('network', { instance, service: PROXY_OWNER })
  const draft = `${name}-draft`
  await createNetwork(engine, { Name: draft, CheckDuplicate: true, Labels: labels })
  const subnet = await subnetOf(engine, draft)
  await unlessMissing(engine.call({ method: 'DELETE', path: `/networks/${segment(draft)}` }))
  if (subnet === null) throw new SlipwayError('host_refused', `Docker host ${engine.host} gave a network no subnet`)
  const [base = '', prefix] = subnet.split('/')
  const lowerHalf = `${base}/${Number(prefix) + 1}`
  const ipam = { Driver: 'default', Config: [{ Subnet: subnet, IPRange: lowerHalf }] }
  await createNetwork(engine, { Name: name, CheckDuplicate: true, Labels: labels, IPAM: ipam })
  const made = await subnetOf(engine, name)
  if (made === null) throw new SlipwayError('host_refused', `Docker host ${engine.host} lost the network ${name}`)
  return made
}

/** Two processes may come at the same time; the one that is late finds what the other made. */
async function createNetwork(engine: DockerEngine, body: Readonly<Record<string, unknown>>): Promise<void> {
  try {
    await engine.call({ method: 'POST', path: '/networks/create', body })
  } catch (thrown) {
    if (engineFailure(thrown).kind !== 'conflict') throw thrown
  }
}

async function ensureContainer(
  engine: DockerEngine,
  instance: string,
  wanted: ProxyContainer,
  files: () => Promise<Readonly<Record<string, string>>>,
): Promise<{ readonly id: string; readonly startedNow: boolean }> {
  const found = await unlessMissing(engine.call({ method: 'GET', path: `/containers/${segment(wanted.name)}/json` }))
  const container = found === undefined ? null : containerAnswer.parse(found)
  if (container !== null) {
    const labels = container.Config.Labels ?? {}
    if (ownerOf('container', instance, labels) === undefined)
      throw new SlipwayError('conflict', `the container ${wanted.name} on ${engine.host} is not ours`)
    if (labels[PROXY_LABEL] === wanted.fingerprint) {
      if (container.State.Running) return { id: container.Id, startedNow: false }
      await engine.call({ method: 'POST', path: `/containers/${container.Id}/start` })
      return { id: container.Id, startedNow: true }
    }
    await unlessMissing(engine.call({ method: 'DELETE', path: `/containers/${container.Id}`, query: { force: true } }))
  }
  const created = await engine.call({
    method: 'POST',
    path: '/containers/create',
    query: { name: wanted.name },
    body: containerBody(instance, wanted),
  })
  const { Id } = createdAnswer.parse(created)
  await writeFiles(engine, Id, await files())
  await engine.call({ method: 'POST', path: `/containers/${Id}/start` })
  return { id: Id, startedNow: true }
}

function containerBody(instance: string, wanted: ProxyContainer): Readonly<Record<string, unknown>> {
  const ports = Object.entries(wanted.ports)
  return {
    Image: wanted.image,
    Entrypoint: [wanted.command[0]],
    Cmd: wanted.command.slice(1),
    Labels: { ...ownershipLabels('container', { instance, service: PROXY_OWNER }), [PROXY_LABEL]: wanted.fingerprint },
    ExposedPorts: Object.fromEntries(ports.map(([inside]) => [`${inside}/tcp`, {}])),
    HostConfig: {
      NetworkMode: wanted.network,
      PortBindings: Object.fromEntries(
        ports.map(([inside, outside]) => [`${inside}/tcp`, [{ HostPort: String(outside) }]]),
      ),
      Binds: Object.entries(wanted.folders).map(([outside, inside]) => `${outside}:${inside}:ro`),
      RestartPolicy: { Name: 'always' },
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
    },
    NetworkingConfig: { EndpointsConfig: { [wanted.network]: { IPAMConfig: { IPv4Address: wanted.address } } } },
  }
}

async function writeFiles(
  engine: DockerEngine,
  containerId: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const pack = tar.pack()
  for (const [path, content] of Object.entries(files))
    pack.entry({ name: path.replace(/^\//, ''), mode: 0o644 }, content)
  pack.finalize()
  // Collected first, so that the Engine gets a body whose length is known.
  const archive = await buffer(pack)
  const answer = await engine.stream(
    {
      method: 'PUT',
      path: `/containers/${segment(containerId)}/archive`,
      query: { path: '/' },
      headers: { 'content-type': 'application/x-tar' },
    },
    { upload: Readable.from([archive]) },
  )
  await buffer(answer)
}

const networkAnswer = z.object({
  IPAM: z.object({ Config: z.array(z.object({ Subnet: z.string().optional() })).nullish() }),
})
const containerAnswer = z.object({
  Id: z.string(),
  State: z.object({ Running: z.boolean() }),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
})
const createdAnswer = z.object({ Id: z.string() })
