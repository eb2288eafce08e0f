import { collisionFaults } from './check-pipeline.ts'
import { templateFaults } from './check-templates.ts'
import type { ConfigFault } from './config-source.ts'
import type { RepositoryConfig, ServiceConfig } from './repository-config.ts'
import { resourceName } from './shared-schema.ts'
import { didYouMean } from './suggest.ts'

export function imageFaults(config: RepositoryConfig): readonly ConfigFault[] {
  return [
    ...collisionFaults(Object.keys(config.images), ['images']),
    ...Object.values(config.images).flatMap((image) =>
      image.publish.flatMap((rule, index) =>
        templateFaults(rule.tag, ['images', image.key, 'publish', index, 'tag'], ['branch', 'sha']),
      ),
    ),
  ]
}

export function serviceFaults(config: RepositoryConfig): readonly ConfigFault[] {
  const services = Object.values(config.services)
  return [
    ...collisionFaults(Object.keys(config.services), ['services']),
    ...services.flatMap((service, index) => [
      ...imageOfFaults(service, config),
      ...driverFaults(service),
      ...templateFaults(
        service.preview?.domain ?? '',
        ['services', service.key, 'preview', 'domain'],
        ['number', 'branch'],
      ),
      ...clashFaults(service, services.slice(0, index)),
    ]),
  ]
}

function imageOfFaults(service: ServiceConfig, config: RepositoryConfig): readonly ConfigFault[] {
  const path = ['services', service.key, 'image']
  if (service.image.kind === 'ref') return templateFaults(service.image.ref, [...path, 'ref'], [])
  const { key } = service.image
  if (Object.hasOwn(config.images, key)) return []
  const hint =
    didYouMean(key, Object.keys(config.images)) ?? 'define it under images, or write {ref: registry/name:tag}'
  return [{ path, message: `there is no image ${key} under images`, hint }]
}

function driverFaults(service: ServiceConfig): readonly ConfigFault[] {
  const path = ['services', service.key]
  const faults: ConfigFault[] = []
  if (service.driver === 'unikernel' && service.replicas > 1) {
    faults.push({ path: [...path, 'replicas'], message: 'a unikernel runs once', hint: 'remove replicas' })
  }
  if (service.healthcheck !== null && service.healthcheck.deadlineMs < service.healthcheck.intervalMs) {
    faults.push({
      path: [...path, 'healthcheck', 'deadline'],
      message: 'the deadline is shorter than the interval',
      hint: 'raise the deadline',
    })
  }
  return faults
}

/** Two services that would fight for one name on one host, or for one domain. */
function clashFaults(service: ServiceConfig, earlier: readonly ServiceConfig[]): readonly ConfigFault[] {
  const path = ['services', service.key]
  const onHost = earlier.filter((other) => other.host === service.host)
  const namesake = onHost.find((other) => resourceName(other.name) === resourceName(service.name))
  const nameFaults: readonly ConfigFault[] =
    namesake === undefined || resourceName(namesake.key) === resourceName(service.key)
      ? []
      : [
          {
            path: [...path, 'name'],
            message: `${namesake.key} has the same name on ${service.host}`,
            hint: 'give one of them another name',
          },
        ]
  const domainFaults = service.domains.flatMap((domain, index): readonly ConfigFault[] => {
    const owner = onHost.find((other) => other.domains.includes(domain))
    if (owner === undefined) return []
    return [
      {
        path: [...path, 'domains', index],
        message: `${owner.key} already answers to ${domain} on ${service.host}`,
        hint: 'remove it from one of them',
      },
    ]
  })
  return [...nameFaults, ...domainFaults]
}
