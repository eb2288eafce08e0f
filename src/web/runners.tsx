/** Runners: the tokens of organisations, and the nonce with which a machine gets one. */
import type { Hono } from 'hono'
import type { Logger } from '../core/logger.ts'
import { CsrfField } from './csrf-field.tsx'
import { createPageRouter, type Guard } from './guard.ts'
import { Page } from './layout.tsx'
import { sessionOf, type Session, type WebEnv } from './session.ts'
import { Time } from './time.tsx'

export interface RunnerRecord {
  readonly id: string
  readonly name: string
  readonly organization: string | null
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
}

export interface RunnerPagesDeps {
  readonly guard: Guard
  readonly runners: () => Promise<readonly RunnerRecord[]>
  readonly issueNonce: (
    organization: string,
    actor: string,
  ) => Promise<{ readonly nonce: string; readonly expiresAt: Date }>
  readonly revoke: (id: string, actor: string) => Promise<boolean>
  readonly logger: Logger
  /** Without a trailing slash. */
  readonly baseUrl: string
}

interface Issued {
  readonly organization: string
  readonly nonce: string
  readonly expiresAt: Date
}

/** GitHub's rule for the names of accounts. */
const ORGANIZATION = /^[A-Za-z0-9][A-Za-z0-9-]{0,38}$/

export function createRunnerPages(deps: RunnerPagesDeps): Hono<WebEnv> {
  const router = createPageRouter(deps.logger)
  const show = async (session: Session, issued: Issued | null, problem: string | null) => (
    <Page title="Runners" session={session} active="runners">
      <RunnersPage
        session={session}
        runners={await deps.runners()}
        issued={issued}
        problem={problem}
        baseUrl={deps.baseUrl}
      />
    </Page>
  )
  router.get('/runners', deps.guard.admin, async (context) => context.html(await show(sessionOf(context), null, null)))
  router.post('/runners/nonces', deps.guard.admin, async (context) => {
    const session = sessionOf(context)
    const organization = String((await context.req.parseBody())['organization'] ?? '').trim()
    if (!ORGANIZATION.test(organization)) {
      return context.html(await show(session, null, 'Organisation: this is not the name of a GitHub account'), 422)
    }
    const issued = await deps.issueNonce(organization, session.actor)
    return context.html(await show(session, { organization, ...issued }, null))
  })
  router.post('/runners/:id/revoke', deps.guard.admin, async (context) => {
    await deps.revoke(context.req.param('id'), sessionOf(context).actor)
    return context.redirect('/runners', 303)
  })
  return router
}

interface RunnersProps {
  readonly session: Session
  readonly runners: readonly RunnerRecord[]
  readonly issued: Issued | null
  readonly problem: string | null
  readonly baseUrl: string
}

function RunnersPage({ session, runners, issued, problem, baseUrl }: RunnersProps) {
  return (
    <div class="stack">
      <div class="head">
        <h1>Runners</h1>
        <form method="post" action="/runners/nonces" class="actions">
          <CsrfField session={session} />
          <label for="organization">Organisation</label>
          <input
            id="organization"
            name="organization"
            required
            maxlength={39}
            placeholder="acme"
            aria-describedby="problem"
          />
          <button>Make a nonce</button>
        </form>
      </div>
      {problem !== null && (
        <p id="problem" role="alert">
          {problem}
        </p>
      )}
      {issued !== null && (
        <section class="card" aria-label="New nonce">
          <h2>Nonce for {issued.organization}</h2>
          <p>
            It works once, until <Time at={issued.expiresAt} />. On the runner’s machine:
          </p>
          <pre>
            <code>
              slipway register --nonce={issued.nonce} --url {baseUrl}
            </code>
          </pre>
        </section>
      )}
      <section class="card" aria-label="Runner tokens">
        {runners.length === 0 ? (
          <div class="empty">
            <p>No runner is registered yet. Make a nonce for an organisation, then register a machine with it.</p>
          </div>
        ) : (
          <div class="scroll">
            <table>
              <thead>
                <tr>
                  <th scope="col">Runner</th>
                  <th scope="col">Organisation</th>
                  <th scope="col">Since</th>
                  <th scope="col">Last used</th>
                  <th scope="col">Actions</th>
                </tr>
              </thead>
              <tbody>
                {runners.map((runner) => (
                  <RunnerRow session={session} runner={runner} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
    </div>
  )
}

function RunnerRow({ session, runner }: { readonly session: Session; readonly runner: RunnerRecord }) {
  return (
    <tr>
      <th scope="row">{runner.name}</th>
      <td>{runner.organization ?? 'all'}</td>
      <td>
        <Time at={runner.createdAt} />
      </td>
      <td>{runner.lastUsedAt === null ? 'never' : <Time at={runner.lastUsedAt} />}</td>
      <td>
        {runner.revokedAt === null ? (
          <form method="post" action={`/runners/${runner.id}/revoke`}>
            <CsrfField session={session} />
            <button>Revoke</button>
          </form>
        ) : (
          'revoked'
        )}
      </td>
    </tr>
  )
}
