import type { Rollout } from '../../deployment/ports.ts'
import { LABEL, ownershipLabels, type Labels } from '../labels.ts'

/** The run that put it there. Not `slipway.run`: that one says "goes when the run has ended". */
export const DEPLOYMENT_LABEL = 'slipway.deployment'
/** On the proxy: what it was made from. */
export const PROXY_LABEL = 'slipway.proxy'

export function rolloutLabels(instance: string, rollout: Pick<Rollout, 'serviceId' | 'releaseId' | 'runId'>): Labels {
  const owner = { instance, service: rollout.serviceId, release: rollout.releaseId }
  return { ...ownershipLabels('container', owner), [DEPLOYMENT_LABEL]: rollout.runId }
}

export { LABEL }
