/** Who changed what, newest first. */
import type { Logger } from '../core/logger.ts'
import { createPageRouter, type Guard } from './guard.ts'
import { Page } from './layout.tsx'
import type { AuditBook, AuditRecord } from './ports.ts'
import { sessionOf, type Session } from './session.ts'
import { Time } from './time.tsx'

const PAGE = 100

export function createAuditRoutes({ guard, audit, logger }: { guard: Guard; audit: AuditBook; logger: Logger }) {
  const routes = createPageRouter(logger)
  routes.get('/audit', guard.admin, async (context) => {
    const before = context.req.query('before') ?? null
    const entries = await audit.read(PAGE, before !== null && /^\d{1,18}$/.test(before) ? before : null)
    return await context.html(<AuditPage session={sessionOf(context)} entries={entries} />)
  })
  return routes
}

function AuditPage({ session, entries }: { session: Session; entries: readonly AuditRecord[] }) {
  const last = entries.length < PAGE ? undefined : entries.at(-1)
  return (
    <Page title="Audit" session={session} active="audit">
      <div class="head">
        <div>
          <h1>Audit</h1>
          <p class="soft">Every change by a person or a token. Entries are never changed or removed.</p>
        </div>
      </div>
      <section class="card">
        {entries.length === 0 ? (
          <p class="empty">Nothing was changed yet.</p>
        ) : (
          <div class="scroll">
            <table>
              <thead>
                <tr>
                  <th>When</th>
                  <th>Who</th>
                  <th>What</th>
                  <th>Of</th>
                  <th>Detail</th>
                </tr>
              </thead>
              <tbody>
                {entries.map((entry) => (
                  <tr>
                    <td class="nowrap">
                      <Time at={entry.at} />
                    </td>
                    <td class="nowrap">{entry.actor}</td>
                    <td class="nowrap">
                      <b>{entry.action}</b>
                    </td>
                    <td class="mono small">
                      <Subject subject={entry.subject} />
                    </td>
                    <td class="soft small">{detailText(entry.detail)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {last === undefined ? null : (
          <p class="empty">
            <a href={`/audit?before=${last.id}`}>Older entries</a>
          </p>
        )}
      </section>
    </Page>
  )
}

function Subject({ subject }: { subject: string }) {
  const run = /^run:([0-9a-f-]{36})$/.exec(subject)?.[1]
  return run === undefined ? <>{subject}</> : <a href={`/runs/${run}`}>{subject}</a>
}

function detailText(detail: AuditRecord['detail']): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
}
