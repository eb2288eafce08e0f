/** The door of the simulated GitHub. */
export type { ControlClient } from './control-client.ts'
export { createControlClient } from './control-client.ts'
export type * from './control-shapes.ts'
export type { SimulatedGitHub, SimulatedGitHubOptions } from './start-simulated-github.ts'
export { startSimulatedGitHub } from './start-simulated-github.ts'
