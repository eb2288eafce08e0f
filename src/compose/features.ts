/** The list of features: what this Slipway can do. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { FlowDeps } from '../flow/deps.ts'
import { rerun } from '../flow/on-rerun.ts'
import { configChangePlanner } from '../flow/plan-config-change.ts'
import type { Feature } from './feature.ts'
import type { Foundation } from './foundation.ts'
import { createDeploymentFeature } from './deployments.ts'
import { createImagesFeature } from './images.ts'
import { createPackagesFeature } from './packages.ts'
import { createPipelinesFeature } from './pipelines.ts'
import { createPoolFeature } from './pool.ts'
import { createSecrets } from './secrets.ts'
import { createWebFeature } from './web.ts'
import type { Webhooks } from './webhooks.ts'

export interface Features {
  readonly features: readonly Feature[]
  readonly secretNamesOf: FlowDeps['secretNamesOf']
}

/** Parts of the flow that exist only once all features are joined; asked for when something happens, never before. */
export interface Later {
  flow(): FlowDeps
  webhooks(): Pick<Webhooks, 'setStoredSecret'>
  /** Every route with what it says of itself. */
  routes(): OpenAPIHono
}

export function createFeatures(base: Foundation, later: Later): Features {
  const images = createImagesFeature(base)
  const configChange = configChangePlanner({
    fileAt: (repository, path, sha) => base.reader.readFile(repository, path, sha),
    hosts: () => base.serverConfig().hosts,
  })
  const pool = createPoolFeature(base)
  const secrets = createSecrets(base)
  const pipelines = createPipelinesFeature(base, pool.parts, secrets, {
    flow: () => later.flow(),
    rerun: (run, actor) => rerun(later.flow(), run, actor, { useCache: true }),
  })
  const deployments = createDeploymentFeature(base, images.parts, later)
  return {
    features: [
      { planners: [configChange] },
      images.feature,
      pool.feature,
      pipelines,
      deployments.feature,
      createPackagesFeature(base),
      createWebFeature(base, later),
    ],
    secretNamesOf: (repository) => secrets.namesOf(repository),
  }
}
