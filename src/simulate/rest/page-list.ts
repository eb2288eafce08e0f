/** Pages of lists: `per_page`, `page`, and the `Link` header clients follow. */
import type { Json, JsonObject } from '../json.ts'
import type { Answer } from './answer.ts'
import type { Call } from './call.ts'

/** GitHub's default and greatest page. */
const defaultPageSize = 30
const maxPageSize = 100

export interface Page<T> {
  readonly items: readonly T[]
  readonly headers: Readonly<Record<string, string>>
}

export function pageOf<T>(call: Call, all: readonly T[]): Page<T> {
  const size = Math.min(Math.max(Number(call.query['per_page'] ?? defaultPageSize) || defaultPageSize, 1), maxPageSize)
  const page = Math.max(Number(call.query['page'] ?? 1) || 1, 1)
  const last = Math.max(Math.ceil(all.length / size), 1)
  const links: string[] = []
  const link = (number: number, name: string): void => {
    const url = new URL(call.url)
    url.searchParams.set('page', String(number))
    links.push(`<${url.href}>; rel="${name}"`)
  }
  if (page > 1) {
    link(page - 1, 'prev')
    link(1, 'first')
  }
  if (page < last) {
    link(page + 1, 'next')
    link(last, 'last')
  }
  return {
    items: all.slice((page - 1) * size, page * size),
    headers: links.length > 0 ? { link: links.join(', ') } : {},
  }
}

export function listAnswer<T>(call: Call, all: readonly T[], present: (item: T) => Json): Answer {
  const { items, headers } = pageOf(call, all)
  return { status: 200, body: items.map(present), headers }
}

/** Lists that GitHub wraps: `{total_count, check_runs: [...]}`. */
export function countedAnswer<T>(
  call: Call,
  key: string,
  all: readonly T[],
  present: (item: T) => Json,
  more: JsonObject = {},
): Answer {
  const { items, headers } = pageOf(call, all)
  return { status: 200, body: { total_count: all.length, [key]: items.map(present), ...more }, headers }
}
