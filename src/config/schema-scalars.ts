import { z } from 'zod'
import { BYTE_SIZE_FORM, parseByteSize } from '../core/byte-size.ts'
import { DURATION_FORM, parseDuration } from '../core/duration.ts'
import { cronFault } from './cron-fault.ts'
import { globFault, MAX_GLOB_LENGTH } from './glob.ts'

/*
 * The small values both files are made of. Names go by allow-list: what they are made of ends up in container names,
 * host names and file names. A message may carry a remedy after a line break; `problems-from-zod.ts` splits the two.
 */

const SECOND = 1000
const DAY = 86_400_000
/** Nothing Slipway waits for takes longer; a typo like `15d` for `15m` should not pass as a timeout of a build. */
const LONGEST = 366 * DAY

interface DurationLimits {
  /** Milliseconds. */
  readonly min?: number
  readonly max?: number
}

/** A duration in the file, milliseconds once read. */
export function duration({ min = SECOND, max = LONGEST }: DurationLimits = {}) {
  return z
    .union([z.number(), z.string()], { error: `expected ${DURATION_FORM}` })
    .meta({ examples: ['90s', '45m', '2h', '7d', 90] })
    .transform((written, context) => {
      const milliseconds = parseDuration(written)
      if (milliseconds !== null && milliseconds >= min && milliseconds <= max) return milliseconds
      const message =
        milliseconds === null
          ? `expected ${DURATION_FORM}`
          : `expected between ${min / SECOND} and ${max / SECOND} seconds`
      context.issues.push({ code: 'custom', message, input: written })
      return z.NEVER
    })
}

/** A size in the file, bytes once read. */
export function byteSize(min: number) {
  return z
    .union([z.number(), z.string()], { error: `expected ${BYTE_SIZE_FORM}` })
    .meta({ examples: ['512m', '2g'] })
    .transform((written, context) => {
      const bytes = parseByteSize(written)
      if (bytes !== null && bytes >= min) return bytes
      const message = bytes === null ? `expected ${BYTE_SIZE_FORM}` : `expected at least ${min} bytes`
      context.issues.push({ code: 'custom', message, input: written })
      return z.NEVER
    })
}

/** `x` or `[x, y]`, a list once read. */
export function oneOrMany<T extends z.ZodType>(item: T) {
  return z
    .union([item, z.array(item).min(1)])
    .transform((value): z.output<T>[] => (Array.isArray(value) ? value : [value]))
}

/** Text, or a number or truth value that is meant as text. */
export const textValue = z
  .union([z.string(), z.number(), z.boolean()], { error: 'expected text\nwrite "" for an empty value' })
  .transform(String)

export const line = z
  .string()
  .min(1, 'may not be empty')
  .max(1000, 'may have at most 1000 characters')
  .regex(/^[^\r\n]*$/, 'must be one line')

export const commands = z.array(z.string().min(1, 'a command may not be empty')).max(1000)

export const glob = z
  .string()
  .max(MAX_GLOB_LENGTH, `a pattern may have at most ${MAX_GLOB_LENGTH} characters`)
  .superRefine((pattern, context) => {
    const fault = globFault(pattern)
    if (fault !== null) context.addIssue({ code: 'custom', message: fault })
  })

export const globs = oneOrMany(glob)

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/
export const NAME_FORM = 'a name begins with a letter or digit and has at most 63 letters, digits, _ . or -'

export const name = z
  .string()
  .regex(NAME, NAME_FORM)
  .refine((text) => !(text in {}), 'this name is reserved\nchoose another one')

/** Environment variables and secrets. */
export const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/, 'a variable name has letters, digits and _ and does not begin with a digit')
  .refine((text) => !(text in {}), 'this name is reserved\nchoose another one')

export const variables = z.record(variableName, textValue)
export const variableNames = z.array(variableName)

/** Relative to the repository's root, with forward slashes, never leaving it. */
export const innerPath = z.string().superRefine((path, context) => {
  const fault = pathFault(path)
  if (fault !== null)
    context.addIssue({
      code: 'custom',
      message: `${fault}\nwrite a path below the repository's root, such as docker/Dockerfile`,
    })
})

/** As `innerPath`, with glob characters. */
export const innerGlob = glob.superRefine((path, context) => {
  const fault = path === '' ? null : pathFault(path.replace(/^!/, ''))
  if (fault !== null)
    context.addIssue({ code: 'custom', message: `${fault}\nwrite a path below the workspace, such as dist/**` })
})

function pathFault(path: string): string | null {
  if (path === '') return 'a path may not be empty'
  if (path.length > 1024) return 'a path may have at most 1024 characters'
  if (/[\\\r\n]/.test(path)) return 'a path is written with forward slashes, on one line'
  if (path.startsWith('/') || path.startsWith('~')) return 'an absolute path is not allowed here'
  return path.split('/').includes('..') ? 'a path may not leave the repository' : null
}

/** An image reference that may hold `${...}` in any part. */
const PART = '(?:[a-z0-9]|\\$\\{[^{}$]+\\})(?:[a-z0-9._-]|\\$\\{[^{}$]+\\})*'
const IMAGE = new RegExp(
  `^(?:(?:[A-Za-z0-9.-]+(?::\\d{1,5})?)/)?${PART}(?:/${PART})*(?::(?:\\w|\\$\\{[^{}$]+\\})(?:[\\w.-]|\\$\\{[^{}$]+\\}){0,127})?(?:@sha256:[0-9a-f]{64})?$`,
)
export const imageReference = z
  .string()
  .max(512)
  .regex(IMAGE, 'this is not an image reference\nwrite [registry/]name[:tag], in lower case')

export const hostname = z
  .string()
  .max(253)
  .regex(
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/,
    'this is not a host name\nwrite it in lower case, without a scheme or path',
  )

export const httpUrl = z.string().refine(isHttpUrl, 'expected an address that begins with http:// or https://')

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text)
}

export const port = z
  .int('expected a port\nwrite a number, without quotes')
  .min(1, 'expected a port from 1 to 65535')
  .max(65_535, 'expected a port from 1 to 65535')

export const cron = z.string().superRefine((expression, context) => {
  const fault = cronFault(expression)
  if (fault !== null) context.addIssue({ code: 'custom', message: `${fault}\nfor example "0 3 * * *"` })
})

export const timeZone = z
  .string()
  .refine(isTimeZone, 'this time zone is not known\nwrite an IANA name such as Europe/Warsaw')

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** A branch by its exact name, as git allows it. */
export const branchName = z
  .string()
  .min(1, 'may not be empty')
  .max(255)
  .regex(
    /^(?![-/])(?!.*(?:\.\.|@\{|\/\/|\.lock$|[/.]$))[^\s\p{Cc}~^:?*[\\]+$/u,
    'this is not the name of a branch\npatterns are not allowed here',
  )

export const platform = z
  .string()
  .regex(/^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9]+)?$/, 'this is not a platform\nwrite it as linux/amd64 or linux/arm64')

export const urlPath = z.string().regex(/^\/[^\s]*$/, 'expected a path that begins with /')
