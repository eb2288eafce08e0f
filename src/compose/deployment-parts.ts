/** Deployments on real parts: which driver works on which host, where images come from, who may deploy where. */
import { SlipwayError } from '../core/errors.ts'
import type {
  ControlDeps,
  DeployDeps,
  DriverOf,
  ImageSource,
  ReleaseImage,
  Service,
  ServiceDriver,
  TrafficProxy,
} from '../deployment/index.ts'
import { inspectImage, pullImage } from '../docker/images.ts'
import { describeHost } from '../docker/host-info.ts'
import { createContainerDriver } from '../docker/services/container-driver.ts'
import { createHookRunner } from '../docker/services/hook-runner.ts'
import { createImageDelivery } from '../docker/services/image-delivery.ts'
import { namingKnownImages } from '../docker/services/known-image.ts'
import { createProxyEngine } from '../docker/services/proxy-engine.ts'
import { createSwarmDriver } from '../docker/services/swarm-driver.ts'
import { createUnikernelDriver } from '../docker/services/unikernel-driver.ts'
import { createTrafficProxy } from '../haproxy/traffic-proxy.ts'
import { ensureImage, pickHost } from '../images/index.ts'
import {
  deploymentEnd,
  deploymentLine,
  deploymentProgress,
  deploymentQueued,
  deploymentRefused,
  deploymentWaiting,
  refusalLine,
} from '../report/deployment-words.ts'
import { createDeploymentApprovals } from '../store/deployment-approvals.ts'
import { createDeploymentUpkeep } from '../store/deployment-upkeep.ts'
import { createDeploymentStore } from '../store/deployments.ts'
import { createRouteStore } from '../store/proxy-routes.ts'
import { createReleaseStore } from '../store/releases.ts'
import { createServiceSecrets } from '../store/service-secrets.ts'
import { createServiceStore } from '../store/services.ts'
import { registryLogins } from './image-builder.ts'
import { openRunLog, type ImageParts } from './images.ts'
import type { Foundation } from './foundation.ts'

export interface DeploymentParts extends DeployDeps, ControlDeps {
  readonly routes: ReturnType<typeof createRouteStore>
  readonly proxyOf: (host: string) => TrafficProxy
}

export function createDeploymentParts(base: Foundation, images: ImageParts): DeploymentParts {
  const { db, instanceId } = base
  const routes = createRouteStore(db)
  const engineOf = (host: string) => base.hosts.host(host).engine
  const proxyOf = (host: string): TrafficProxy =>
    createTrafficProxy(createProxyEngine(engineOf(host), instanceId), base.hosts.config(host).proxy, () =>
      routes.list(host),
    )
  const repository = async (repositoryId: number) => base.repositories.get(repositoryId)
  const policyOf = async (repositoryId: number) => {
    const found = await repository(repositoryId)
    return found === null ? null : base.policyOf(found)
  }
  const secrets = createServiceSecrets(db, base.cipher, {
    async nameOf(repositoryId) {
      const found = await repository(repositoryId)
      if (found === null) throw new SlipwayError('not_found', 'the repository is gone')
      return `${found.owner}/${found.name}`
    },
    fromFile: async (repositoryId) => (await policyOf(repositoryId))?.secrets ?? {},
  })
  return {
    runs: base.runs,
    services: createServiceStore(db),
    releases: createReleaseStore(db),
    deployments: createDeploymentStore(db),
    approvals: createDeploymentApprovals(db),
    upkeep: createDeploymentUpkeep(db),
    routes,
    proxyOf,
    images: imageSource(base, images),
    delivery: createImageDelivery({ engineOf, instance: instanceId, logins: () => registryLogins(base) }),
    driverOf: driverOf(base, routes, proxyOf),
    hooks: createHookRunner(engineOf, instanceId),
    secrets,
    headOf: (service) => headOf(base, service),
    policyOf,
    hosts: () => base.hosts.configs,
    confirm: () => base.settings.confirm,
    openLog: (runId) => openRunLog(base, runId),
    detailsUrl: base.detailsUrl,
    clock: base.clock,
    newId: base.newId,
    queuedCheck: deploymentQueued,
    words: {
      progress: deploymentProgress,
      waiting: deploymentWaiting,
      end: deploymentEnd,
      oneLine: deploymentLine,
      refusal: refusalLine,
      refused: deploymentRefused,
    },
  }
}

function driverOf(
  base: Foundation,
  routes: ReturnType<typeof createRouteStore>,
  proxyOf: (host: string) => TrafficProxy,
): DriverOf {
  const { instanceId: instance } = base
  return (hostName, kind): ServiceDriver => {
    const host = base.hosts.host(hostName)
    switch (kind) {
      case 'swarm': {
        const ingressWorks = async () => (await describeHost(host)).ingressWorks
        return namingKnownImages(
          host.engine,
          createSwarmDriver(host.engine, { instance, logins: registryLogins(base), ingressWorks }),
        )
      }
      case 'container':
        return namingKnownImages(
          host.engine,
          createContainerDriver(host.engine, { instance, proxy: proxyOf(hostName), routes }),
        )
      case 'unikernel': {
        const { unikernel } = base.hosts.config(hostName)
        if (unikernel === null || host.shell === undefined) {
          throw new SlipwayError('config_invalid', `the Docker host ${hostName} takes no unikernels`, {
            remedy: 'give it unikernel: {directory, redeploy} and an ssh:// endpoint in server.yml',
          })
        }
        return createUnikernelDriver({
          instance,
          engineOf: (name) => base.hosts.host(name).engine,
          shell: host.shell,
          config: unikernel,
        })
      }
    }
  }
}

/** The head of the live branch, or of the pull request of a preview, as GitHub last told it. */
async function headOf(base: Foundation, service: Service): Promise<string | null> {
  if (service.pullRequest === null)
    return (await base.refs.branch(service.repositoryId, service.branch))?.headSha ?? null
  return (await base.refs.pullRequest(service.repositoryId, service.pullRequest))?.headSha ?? null
}

function imageSource(base: Foundation, parts: ImageParts): ImageSource {
  return {
    async ensureImage(wanted, note, signal) {
      const repository = await base.repositories.get(wanted.repositoryId)
      if (repository === null) throw new SlipwayError('not_found', 'the repository is gone')
      const { platform, host } = buildPlace(base, repository, wanted.host)
      const run = await base.runs.get(wanted.runId)
      const outcome = await ensureImage(parts, {
        repository,
        sha: wanted.sha,
        ref: wanted.ref,
        treeSha: wanted.treeSha,
        target: { image: wanted.image, platform, host },
        trust: run?.source.trust ?? 'fork',
        runId: wanted.runId,
        useCache: true,
        log: { note, write: (bytes) => note(Buffer.from(bytes).toString('utf8').trimEnd()) },
        signal,
      })
      switch (outcome.kind) {
        case 'built':
        case 'reused':
          return { imageId: outcome.imageId, digest: await publishedDigest(base, host, outcome.imageId), host }
        case 'failed':
          throw new SlipwayError(
            'image_build_failed',
            `the image ${wanted.image.key} could not be built: ${outcome.message}`,
          )
        case 'infrastructure':
          throw new SlipwayError('host_refused', outcome.message)
        case 'aborted':
          if (signal.aborted) throw new SlipwayError('cancelled', 'the build was cancelled')
          throw new SlipwayError('timed_out', `the image ${wanted.image.key} was not built within its limit`)
      }
    },
    async resolveImage(ref, host, signal) {
      const { engine } = base.hosts.host(host)
      const pulled = await pullImage(engine, ref, { logins: registryLogins(base), signal })
      const found = await inspectImage(engine, ref)
      if (found === undefined)
        throw new SlipwayError(
          'not_found',
          `${ref}: ${pulled.kind === 'pulled' ? 'the host does not have it' : pulled.message}`,
        )
      return { imageId: found.id, digest: found.digests[0] ?? null, host }
    },
  }
}

/** Where the deployability check builds the same image for the host's platform, so that it is built once. */
function buildPlace(
  base: Foundation,
  repository: { readonly id: number; readonly owner: string; readonly name: string },
  deployHost: string,
): { readonly platform: string; readonly host: string } {
  const platform = base.hosts.config(deployHost).platforms[0] ?? 'linux/amd64'
  const builders = base.policyOf(repository).buildHosts.map((name) => base.hosts.config(name))
  const host = pickHost(builders, platform, repository.id)
  if (host === null)
    throw new SlipwayError('config_invalid', `no Docker host builds ${platform}, which ${deployHost} needs`)
  return { platform, host }
}

/** The digest under which a registry has exactly this image; it outlives the host that built it. */
async function publishedDigest(base: Foundation, host: string, imageId: string): Promise<ReleaseImage['digest']> {
  return (await inspectImage(base.hosts.host(host).engine, imageId))?.digests[0] ?? null
}
