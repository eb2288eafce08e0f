/**
 * The tables of the hosts' proxies. A table is read and applied under one advisory lock a host, held by a transaction:
 * of two processes that changed it, the later one applies both changes, and no older table ever follows a newer one.
 */
import { SlipwayError } from '../core/errors.ts'
import type { RouteStore } from '../deployment/ports.ts'
import { MAX_BACKENDS, type Route, type RouteSlot } from '../deployment/index.ts'
import { sql, type Database, type Queryable } from './database.ts'
import { underLease } from './jobs.ts'

/** First half of the two-part advisory lock; the second is the host's name. */
const ROUTES_LOCK = 7_305_523

interface RouteRow {
  readonly host: string
  readonly backend: number
  readonly service_id: string
  readonly slots: readonly RouteSlot[]
  readonly domains: readonly string[]
}

export function createRouteStore(db: Database): RouteStore {
  return {
    claim: (host, serviceId, domains) =>
      db.transaction(async (tx) => {
        await lockHost(tx, host)
        await refuseForeignDomains(tx, host, serviceId, domains)
        const known = await routesOf(tx, host, serviceId)
        if (known[0] !== undefined) return known[0]
        const free = await tx.first<{ backend: number }>(sql`
          select n as backend from generate_series(0, ${MAX_BACKENDS - 1}) n
          where n not in (select backend from proxy_routes where host = ${host}) order by n limit 1`)
        if (free === null)
          throw new SlipwayError('conflict', `the proxy on ${host} serves ${MAX_BACKENDS} services already`)
        await tx.run(
          sql`insert into proxy_routes (host, backend, service_id) values (${host}, ${free.backend}, ${serviceId})`,
        )
        return { host, backend: free.backend, serviceId, domains: [], slots: [] }
      }),
    save: (lease, route) =>
      db.transaction(async (tx) => {
        await lockHost(tx, route.host)
        await refuseForeignDomains(tx, route.host, route.serviceId, route.domains)
        const saved = await tx.run(sql`update proxy_routes set slots = ${JSON.stringify(route.slots)}::jsonb
          where host = ${route.host} and service_id = ${route.serviceId} and ${underLease(lease)}`)
        if (saved === 0) throw new SlipwayError('lease_lost', 'another process works on this service now')
        await tx.run(sql`delete from proxy_domains where host = ${route.host} and service_id = ${route.serviceId}`)
        for (const domain of new Set(route.domains.map((name) => name.toLowerCase()))) {
          await tx.run(
            sql`insert into proxy_domains (host, domain, service_id) values (${route.host}, ${domain}, ${route.serviceId})`,
          )
        }
      }),
    drop: (lease, host, serviceId) =>
      db.transaction(async (tx) => {
        await lockHost(tx, host)
        await tx.run(
          sql`delete from proxy_domains where host = ${host} and service_id = ${serviceId} and ${underLease(lease)}`,
        )
        await tx.run(
          sql`delete from proxy_routes where host = ${host} and service_id = ${serviceId} and ${underLease(lease)}`,
        )
      }),
    find: async (host, serviceId) => (await routesOf(db, host, serviceId))[0] ?? null,
    list: (host) => routesOf(db, host, null),
    exclusively: (host, apply) =>
      db.transaction(async (tx) => {
        await lockHost(tx, host)
        return apply(await routesOf(tx, host, null))
      }),
    async hostsWithRoutes() {
      const rows = await db.rows<{ host: string }>(sql`select distinct host from proxy_routes`)
      return rows.map((row) => row.host)
    },
  }
}

async function lockHost(tx: Queryable, host: string): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock(${ROUTES_LOCK}, hashtext(${host}))`)
}

async function refuseForeignDomains(
  tx: Queryable,
  host: string,
  serviceId: string,
  domains: readonly string[],
): Promise<void> {
  const names = domains.map((domain) => domain.toLowerCase())
  const taken = await tx.first<{ domain: string }>(sql`select domain from proxy_domains
    where host = ${host} and domain = any(${names}) and service_id <> ${serviceId} limit 1`)
  if (taken === null) return
  throw new SlipwayError('conflict', `the domain ${taken.domain} on the host ${host} belongs to another service`)
}

async function routesOf(tx: Queryable, host: string, serviceId: string | null): Promise<readonly Route[]> {
  const rows = await tx.rows<RouteRow>(sql`
    select r.host, r.backend, r.service_id, r.slots, array(
      select d.domain from proxy_domains d where d.host = r.host and d.service_id = r.service_id order by d.domain) as domains
    from proxy_routes r where r.host = ${host} and (${serviceId}::uuid is null or r.service_id = ${serviceId}::uuid)
    order by r.backend`)
  return rows.map((row) => ({
    host: row.host,
    backend: row.backend,
    serviceId: row.service_id,
    domains: row.domains,
    slots: row.slots,
  }))
}
