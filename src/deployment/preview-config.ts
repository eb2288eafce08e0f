import { fillFrom } from '../config/fill-template.ts'
import type { ServiceConfig } from '../config/repository-config.ts'

/** Of one part of a host name. */
const MAX_LABEL = 63

/** The copy of a service for one pull request: its own name, domain, environment and address. Null: it has no previews. */
export function previewConfig(service: ServiceConfig, number: number, branch: string): ServiceConfig | null {
  const { preview } = service
  if (preview === null || !preview.pullRequests) return null
  const label = branch
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
  const domain =
    preview.domain === null
      ? null
      : fillFrom(preview.domain, { number: String(number), branch: label.slice(0, MAX_LABEL) }).text
  const protocol = service.url?.startsWith('https:') === true ? 'https' : 'http'
  return {
    ...service,
    name: `${service.name}-pr-${number}`,
    domains: domain === null ? [] : [domain],
    environment: `preview/${service.key}/pr-${number}`,
    url: domain === null ? null : `${protocol}://${domain}`,
    replicas: 1,
  }
}
