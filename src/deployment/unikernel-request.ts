/** Names and paths of unikernels. They reach a command line and a file system, so nothing but the strictest names pass. */
import type { UnikernelHostConfig } from '../config/server-config.ts'
import type { Rollout } from './ports.ts'

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/i

/** Inside the image. */
export function unikernelFile({ unikernel }: Pick<Rollout, 'unikernel'>): string {
  return `/unikernel.${unikernel ?? 'hvt'}`
}

/** On the host; null for a name that is not allowed. */
export function unikernelPath(
  { directory }: UnikernelHostConfig,
  { name, unikernel }: Pick<Rollout, 'name' | 'unikernel'>,
): string | null {
  return NAME.test(name) ? `${directory.replace(/\/+$/, '')}/${name}.${unikernel ?? 'hvt'}` : null
}

/** The admin's command may have arguments of its own; the name comes last. */
export function redeployCommand(
  { redeploy }: UnikernelHostConfig,
  name: string,
): readonly [string, ...string[]] | null {
  const [program, ...rest] = redeploy.trim().split(/\s+/)
  return program === undefined || program === '' || !NAME.test(name) ? null : [program, ...rest, name]
}
