import { z } from 'zod'
import type { MatrixConfig, ResourcesConfig } from './repository-config.ts'
import { byteSize, textValue } from './schema-scalars.ts'

const MEBIBYTE = 1024 * 1024
/** Docker itself refuses less. */
const SMALLEST_MEMORY = 6 * MEBIBYTE

const axisValue = textValue.refine(
  (value) => value.length <= 100 && /^\P{Cc}+$/u.test(value),
  'the value of an axis is one line of 1 to 100 characters',
)
/** Axis names end up in `SLIPWAY_MATRIX_<AXIS>`. */
const axisName = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_-]{0,31}$/,
    'the name of an axis begins with a letter and has at most 32 letters, digits, _ or -',
  )
  .refine((text) => !(text in {}), 'this name is reserved\nchoose another one')

export const matrixAxes = z.record(axisName, z.array(axisValue).min(1, 'an axis needs a value'))

export const stageMatrix = z.strictObject({
  axes: matrixAxes.describe('Each combination of the values is one run'),
  exclude: z
    .array(z.record(z.string(), textValue))
    .default([])
    .describe('Combinations to leave out; a partial one leaves out all it matches'),
  fail_fast: z.boolean().default(true).describe('Cancel the others when one fails'),
})

export const resources = z.strictObject({
  memory: byteSize(SMALLEST_MEMORY).prefault('2g'),
  cpus: z.number().positive('expected more than 0').max(1024).default(2),
  pids: z.int('expected a whole number').min(1, 'expected at least 1').max(1_000_000).default(512),
})

export function resolveResources(written: z.output<typeof resources>): ResourcesConfig {
  return { memoryBytes: written.memory, cpus: written.cpus, pids: written.pids }
}

export function resolveMatrix(written: z.output<typeof stageMatrix>): MatrixConfig {
  return { axes: written.axes, exclude: written.exclude, failFast: written.fail_fast }
}

/** Names a container, volume or file is made from; two that differ only in what gets lost there collide. */
export const resourceName = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
