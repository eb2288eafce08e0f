/**
 * The control API below `/_/`: everything that people, git and bad luck do on the real GitHub.
 *
 * JSON in and out, `Authorization: Bearer CONTROL_TOKEN`. `user` in a body names who does it; accounts are made when
 * first named. The typed client is control-client.ts. By file:
 *
 * repositories.ts
 *   PUT    /users                                   {login, type?, owners?}
 *   POST   /users/:login/token                      -> {token}
 *   PUT    /repos                                   {owner, name, private?, files?, defaultBranch?, description?, organization?, install?}
 *   GET    /repos/:owner/:name
 *   PUT    /repos/:owner/:name/settings             {name?, owner?, private?, archived?, defaultBranch?, user?}
 *   DELETE /repos/:owner/:name
 *   PUT    /repos/:owner/:name/collaborators        {login, role}
 *   POST   /repos/:owner/:name/forks                {owner}
 * refs.ts
 *   PUT    /repos/:owner/:name/commits              {branch, files: {path: text | {base64, mode?} | null}, message?, author?, parent?, user?}
 *   POST   /repos/:owner/:name/branches             {name, from?}
 *   DELETE /repos/:owner/:name/branches             ?name=
 *   POST   /repos/:owner/:name/tags                 {name | names, from?, message?}
 *   DELETE /repos/:owner/:name/tags                 ?name=
 * pulls.ts
 *   POST   /repos/:owner/:name/pulls                {head, base?, title?, body?, draft?, fork?: "owner/name", user?}
 *   POST   /repos/:owner/:name/pulls/:number/:verb  close | reopen | merge | synchronize | label {label} | comment {body}
 *   POST   /repos/:owner/:name/merge-groups         {pull, user?}
 *   POST   /repos/:owner/:name/merge-groups/destroy {ref, reason: merged | invalidated | dequeued}
 * checks.ts
 *   POST   /check-runs/:id/press                    {identifier, user?}
 *   POST   /check-runs/:id/rerun                    {user?}
 *   POST   /check-suites/:id/rerun                  {user?}
 *   POST   /repos/:owner/:name/workflow-runs        {name?, branch?, sha?, event?, status?, user?}
 *   POST   /workflow-runs/:id/complete              {conclusion?}
 * installations.ts
 *   POST   /installations                           {account, repositories?: [names], permissions?, user?}
 *   POST   /installations/:id/:verb                 delete | suspend | unsuspend | permissions {permissions} | repositories {added?, removed?}
 * faults.ts
 *   POST   /faults/webhooks                         {kind, event?, action?, times?, milliseconds?}
 *   POST   /faults/rest                             {kind, operation?, method?, path?, status?, retryAfter?, milliseconds?, times?}
 *   DELETE /faults
 *   POST   /held                                    {order?: first | last}    releases held webhooks
 *   POST   /tokens/expire
 *   PUT    /rate                                    {limit}
 * app.ts
 *   GET    /app                                     ids, secrets and addresses
 *   PUT    /hook                                    {url?, secret?}
 *   PUT    /login                                   {as: login | null}
 *   POST   /ping
 *   POST   /events                                  {event, action?, repository: "owner/name", payload}
 * look.ts
 *   GET    /report  /history  /calls  /deliveries  /idle  /repos/:owner/:name/commits/:sha
 */
import type { Json } from '../json.ts'
import { asObject, parseJson } from '../json.ts'
import type { Answer } from '../rest/answer.ts'
import { refuse, refusedAnswer } from '../rest/answer.ts'
import type { World } from '../world/world.ts'
import { appRoutes } from './app.ts'
import { checkRoutes } from './checks.ts'
import type { ControlRoute } from './control-route.ts'
import { faultRoutes } from './faults.ts'
import { installationRoutes } from './installations.ts'
import { lookRoutes } from './look.ts'
import { pullRoutes } from './pulls.ts'
import { refRoutes } from './refs.ts'
import { repositoryRoutes } from './repositories.ts'

const routes: readonly (ControlRoute & { readonly pattern: RegExp })[] = [
  ...repositoryRoutes,
  ...refRoutes,
  ...pullRoutes,
  ...checkRoutes,
  ...installationRoutes,
  ...faultRoutes,
  ...appRoutes,
  ...lookRoutes,
].map((route) => ({ ...route, pattern: new RegExp(`^/_${route.path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`) }))

export async function serveControl(
  world: World,
  request: { method: string; url: URL; authorization: string | undefined; body: Buffer },
): Promise<Answer> {
  try {
    if (request.authorization !== `Bearer ${world.controlToken}`)
      throw refuse(401, 'the control API needs the control token')
    for (const route of routes) {
      const groups = route.method === request.method ? route.pattern.exec(request.url.pathname)?.groups : undefined
      if (groups === undefined && !(route.method === request.method && route.pattern.test(request.url.pathname)))
        continue
      const path = Object.fromEntries(
        Object.entries(groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)]),
      )
      const body = asObject(parseJson(request.body.toString()))
      return { status: 200, body: await route.answer({ world, path, query: request.url.searchParams, body }) }
    }
    throw refuse(404, `the control API has no ${request.method} ${request.url.pathname}`)
  } catch (error) {
    const body: Json = { message: error instanceof Error ? error.message : String(error) }
    return refusedAnswer(error) ?? { status: 500, body }
  }
}
