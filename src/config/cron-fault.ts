interface CronField {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly words?: readonly string[]
}

const FIELDS: readonly CronField[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of the month', min: 1, max: 31 },
  {
    name: 'month',
    min: 1,
    max: 12,
    words: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'day of the week', min: 0, max: 7, words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
]

/** Why a five-field cron expression is refused, or null: lists, ranges, steps and English names of months and days. */
export function cronFault(expression: string): string | null {
  const parts = expression.trim().split(/\s+/)
  if (parts.length !== FIELDS.length) return 'a cron expression has five fields: minute hour day month weekday'
  const faulty = FIELDS.findIndex((field, index) => !isField(field, parts[index] ?? ''))
  if (faulty < 0) return null
  const field = FIELDS[faulty]
  return `the ${field?.name} of the cron expression is wrong: ${parts[faulty]} (${field?.min} to ${field?.max})`
}

function isField(field: CronField, text: string): boolean {
  return text.split(',').every((item) => {
    const match = /^(\*|\w{1,3}(?:-\w{1,3})?)(?:\/(\d{1,2}))?$/.exec(item)
    if (match === null) return false
    const [, range = '', step] = match
    if (step !== undefined && (Number(step) < 1 || Number(step) > field.max)) return false
    if (range === '*') return true
    const ends = range.split('-').map((end) => numberOf(field, end))
    // `5/10` without a range means different things to different readers.
    if (step !== undefined && ends.length === 1) return false
    const [from = Number.NaN, to = from] = ends
    return from >= field.min && to <= field.max && from <= to
  })
}

function numberOf(field: CronField, text: string): number {
  const word = field.words?.indexOf(text.toLowerCase()) ?? -1
  if (word >= 0) return word + field.min
  return /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
}
