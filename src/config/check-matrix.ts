import type { ConfigFault } from './config-source.ts'
import { expandMatrix, MAX_COMBINATIONS } from './expand-matrix.ts'
import type { MatrixConfig } from './repository-config.ts'
import { didYouMean } from './suggest.ts'
import type { KeyPath } from './yaml-reading.ts'

/** `axesPath` is where the axes stand, which differs between stages and packages. */
export function matrixFaults(matrix: MatrixConfig | null, path: KeyPath, axesPath: KeyPath): readonly ConfigFault[] {
  if (matrix === null) return []
  const expansion = expandMatrix(matrix)
  if (expansion.kind === 'too many') {
    return [
      {
        path: axesPath,
        at: 'key',
        message: `the matrix has ${expansion.count} combinations`,
        hint: `at most ${MAX_COMBINATIONS} are allowed`,
      },
    ]
  }
  const faults = [...repeatedValues(matrix, axesPath), ...unknownExclusions(matrix, path)]
  if (expansion.combinations.length > 0) return faults
  return [
    ...faults,
    {
      path,
      at: 'key',
      message: 'the matrix has no combination left',
      hint: 'remove an axis without values or an exclusion',
    },
  ]
}

function repeatedValues(matrix: MatrixConfig, axesPath: KeyPath): readonly ConfigFault[] {
  return Object.entries(matrix.axes).flatMap(([axis, values]) =>
    values.flatMap((value, index) =>
      values.indexOf(value) === index
        ? []
        : [{ path: [...axesPath, axis, index], message: `${value} stands twice`, hint: 'remove one' }],
    ),
  )
}

function unknownExclusions(matrix: MatrixConfig, path: KeyPath): readonly ConfigFault[] {
  return matrix.exclude.flatMap((rule, index) =>
    Object.entries(rule).flatMap(([axis, value]): readonly ConfigFault[] => {
      const place = [...path, 'exclude', index, axis]
      const values = Object.hasOwn(matrix.axes, axis) ? matrix.axes[axis] : undefined
      if (values === undefined)
        return [
          {
            path: place,
            at: 'key',
            message: `there is no axis ${axis}`,
            hint: didYouMean(axis, Object.keys(matrix.axes)),
          },
        ]
      if (values.includes(value)) return []
      return [{ path: place, message: `the axis ${axis} has no value ${value}`, hint: didYouMean(value, values) }]
    }),
  )
}
