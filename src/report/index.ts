/** The door of everything a user reads. */
export { configInvalidCheck, configPlanCheck } from './config-words.ts'
export { deployabilityEnd, deployabilityProgress } from './deployability-words.ts'
export { durationText } from './duration-text.ts'
export * from './run-words.ts'
export { stageWaiting } from './stage-words.ts'
export { deploymentQueued } from './deployment-words.ts'
export { deploymentRefused } from './deployment-words.ts'
export { refusalLine } from './deployment-words.ts'
