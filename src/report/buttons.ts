/** The buttons of check runs; GitHub shows at most three, with labels of 20 and descriptions of 40 characters. */
import type { CheckButton } from '../core/check.ts'

export const CANCEL: CheckButton = { identifier: 'cancel', label: 'Cancel', description: 'Stop this run now' }
export const REBUILD: CheckButton = {
  identifier: 'rebuild',
  label: 'Rebuild',
  description: 'Build again without any cache',
}
export const APPROVE: CheckButton = {
  identifier: 'approve',
  label: 'Approve',
  description: 'Allow exactly this commit to run',
}
export const ROLLBACK: CheckButton = {
  identifier: 'rollback',
  label: 'Roll back',
  description: 'Bring the previous release back',
}
export const EXTEND: CheckButton = {
  identifier: 'extend',
  label: 'Extend',
  description: 'Keep the instance for longer',
}
export const RELEASE: CheckButton = {
  identifier: 'release',
  label: 'Release',
  description: 'Give the instance back now',
}
