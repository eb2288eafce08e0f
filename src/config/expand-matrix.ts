import type { MatrixConfig, Variables } from './repository-config.ts'

/** More is an error, never a silent cut. */
export const MAX_COMBINATIONS = 256

export type MatrixExpansion =
  | { readonly kind: 'combinations'; readonly combinations: readonly Variables[] }
  /** `count` before exclusions, which is what would have to be computed. */
  | { readonly kind: 'too many'; readonly count: number }

/**
 * Every combination of the axes that no exclusion matches, the last axis varying fastest. Without a matrix there is
 * one combination, the empty one.
 */
export function expandMatrix(matrix: MatrixConfig | null): MatrixExpansion {
  if (matrix === null) return { kind: 'combinations', combinations: [{}] }
  const axes = Object.entries(matrix.axes)
  const count = axes.reduce((product, [, values]) => product * values.length, 1)
  if (count > MAX_COMBINATIONS) return { kind: 'too many', count }
  const all = axes.reduce<readonly Variables[]>(
    (combinations, [axis, values]) =>
      combinations.flatMap((combination) => values.map((value) => ({ ...combination, [axis]: value }))),
    [{}],
  )
  return {
    kind: 'combinations',
    combinations: all.filter((one) => !matrix.exclude.some((rule) => isExcluded(one, rule))),
  }
}

/** ` (node=20, os=alpine)` for check-run names; empty without a matrix. */
export function combinationSuffix(combination: Variables): string {
  const parts = Object.entries(combination).map(([axis, value]) => `${axis}=${value}`)
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

/** What steps see: `SLIPWAY_MATRIX_<AXIS>`. */
export function combinationEnv(combination: Variables): Variables {
  return Object.fromEntries(
    Object.entries(combination).map(([axis, value]) => [
      `SLIPWAY_MATRIX_${axis.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`,
      value,
    ]),
  )
}

function isExcluded(combination: Variables, rule: Variables): boolean {
  return Object.entries(rule).every(([axis, value]) => combination[axis] === value)
}
