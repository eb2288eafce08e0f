/** The list of features: what this Slipway can do. */
import type { FlowDeps } from '../flow/deps.ts'
import type { Feature } from './feature.ts'
import type { Foundation } from './foundation.ts'
import { createImagesFeature } from './images.ts'
import { createPoolFeature } from './pool.ts'

export interface Features {
  readonly features: readonly Feature[]
  readonly secretNamesOf: FlowDeps['secretNamesOf']
}

export function createFeatures(base: Foundation): Features {
  const images = createImagesFeature(base)
  const pool = createPoolFeature(base)
  return {
    features: [images.feature, pool.feature],
    secretNamesOf: async (repository) => Object.keys(base.policyOf(repository).secrets),
  }
}
