/** Every Docker host: reachable, new enough, able to do what the file asks of it. */
import semver from 'semver'
import { z } from 'zod'
import { failed, ok, skipped, warning, type DoctorCheck, type Finding } from '../../cli/doctor-check.ts'
import { reveal } from '../../core/secret.ts'
import type { HostConfig, RegistryConfig } from '../../config/server-config.ts'
import { describeHost, type HostInfo } from '../../docker/host-info.ts'
import { inspectImage } from '../../docker/images.ts'
import type { DockerHosts } from '../docker-hosts.ts'
import type { Findings } from './findings.ts'

const OLDEST_ENGINE = '20.10.0'
/**
 * runc before these lets a container out: CVE-2024-21626 in all before 1.1.12, CVE-2025-31133 and its neighbours in 1.2
 * before 1.2.8 and 1.3 before 1.3.3. Distributions mend older numbers, so this warns and does not fail.
 */
const SAFE_RUNC = '>=1.1.12 <1.2.0 || >=1.2.8 <1.3.0 || >=1.3.3'
const RUNC_FIX = 'Upgrade runc or containerd.io; a distribution may have mended an older number, its changelog says.'

const versionAnswer = z.object({ Components: z.array(z.object({ Name: z.string(), Version: z.string() })).nullish() })

export function dockerChecks({ server, hosts }: Findings): readonly DoctorCheck[] {
  if (server === null || hosts === null) return []
  return [
    ...server.hosts.flatMap((config) => hostChecks(config, hosts)),
    ...server.registries.map((registry) => registryCheck(registry, hosts)),
  ]
}

function hostChecks(config: HostConfig, hosts: DockerHosts): readonly DoctorCheck[] {
  let info: HostInfo | null = null
  const about = (name: string, fix: string, look: (info: HostInfo) => Finding | Promise<Finding>): DoctorCheck => ({
    name: `host ${config.name}: ${name}`,
    fix,
    look: async () => (info === null ? skipped('the host does not answer') : await look(info)),
  })
  const engine = () => hosts.host(config.name).engine
  return [
    {
      name: `host ${config.name}`,
      fix: 'Start Docker there, and check the endpoint, its certificates or its host key in server.yml.',
      async look() {
        info = await describeHost(hosts.host(config.name))
        return ok(`${info.cpus} CPUs, ${(info.memoryBytes / 1024 ** 3).toFixed(1)} GiB`)
      },
    },
    about('Engine', `Upgrade Docker Engine to ${OLDEST_ENGINE} or newer.`, ({ version }) =>
      semver.gte(semver.coerce(version) ?? '0.0.0', OLDEST_ENGINE)
        ? ok(version)
        : failed(`${version} is too old`, `Upgrade Docker Engine to ${OLDEST_ENGINE} or newer.`),
    ),
    about('runc', RUNC_FIX, async () => {
      const answer = versionAnswer.parse(await engine().call({ method: 'GET', path: '/version' }))
      const written = answer.Components?.find(({ Name }) => Name === 'runc')?.Version
      const version = semver.coerce(written ?? '')
      if (version === null) return skipped('the Engine does not say which')
      return semver.satisfies(version, SAFE_RUNC)
        ? ok(version.version)
        : warning(`${version.version} has known holes`, RUNC_FIX)
    }),
    about('platform', 'Name the platforms of the host in server.yml.', ({ platform }) =>
      config.platforms.includes(platform)
        ? ok(config.platforms.join(', '))
        : warning(
            `it is ${platform}, server.yml says ${config.platforms.join(', ')}`,
            'Name the platforms of the host in server.yml.',
          ),
    ),
    about('BuildKit', 'Upgrade Docker Engine; until then the classic builder is used.', ({ buildkit }) => {
      if (!config.builds) return skipped('it builds nothing')
      return buildkit
        ? ok('there')
        : warning('missing: builds are slower', 'Upgrade Docker Engine; until then the classic builder is used.')
    }),
    about('Swarm', 'Run `docker swarm init` there.', ({ swarmManager }) => {
      if (!config.deploys) return skipped('it runs no services')
      return swarmManager
        ? ok('a manager')
        : warning(
            'not a manager: no services with the driver swarm',
            'Run `docker swarm init` there, or use `driver: container`.',
          )
    }),
    about('IPVS', 'Load the kernel module ip_vs.', ({ ingressWorks }) => {
      if (ingressWorks === undefined) return skipped('no Swarm, or it cannot be told from here')
      return ingressWorks
        ? ok('there')
        : warning(
            'missing: published ports of Swarm services do not answer',
            'Load the kernel module ip_vs, or use `driver: container`.',
          )
    }),
    about('proxy image', 'Pull the image on that host.', async () => {
      if (!config.deploys) return skipped('it runs no services')
      const found = await inspectImage(engine(), config.proxy.image)
      return found === undefined
        ? warning(
            `${config.proxy.image} is pulled when a service needs it`,
            `Pull ${config.proxy.image} there now if the registry is not always in reach.`,
          )
        : ok(config.proxy.image)
    }),
    about('warnings', 'See the documentation of Docker for each.', ({ warnings }) =>
      warnings.length === 0 ? ok('none') : warning(warnings.join('; '), 'See the documentation of Docker for each.'),
    ),
  ]
}

function registryCheck({ host, username, password }: RegistryConfig, hosts: DockerHosts): DoctorCheck {
  return {
    name: `registry ${host}`,
    fix: 'Correct username and password in server.yml, and let the Docker host reach the registry.',
    async look() {
      const builder = hosts.configs.find(({ builds }) => builds)
      if (builder === undefined) return skipped('no host builds')
      await hosts.host(builder.name).engine.call({
        method: 'POST',
        path: '/auth',
        body: { username, password: reveal(password), serveraddress: host },
      })
      return ok(`${username} may log in from ${builder.name}`)
    },
  }
}
