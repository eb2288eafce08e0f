import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SlipwayError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { createServicesApiRoutes } from '../../../src/http/deployments-api.ts'
import { errorResponse } from '../../../src/http/error-response.ts'
import { servicesMarkdown } from '../../../src/web/services.tsx'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import {
  openDeploymentFixture,
  serviceConfig,
  shaOf,
  type DeploymentFixture,
} from '../../support/deployment-fixture.ts'
import { freePort } from '../../support/free-port.ts'
import { keepRepository } from '../../support/repository-rows.ts'
import { serviceImage } from '../../support/service-images.ts'

let database: TestDatabase
let fixture: DeploymentFixture
let ask: (
  method: string,
  path: string,
  body?: object,
  token?: string,
) => Promise<{ status: number; body: Record<string, unknown> }>
const audited: string[] = []
const config = serviceConfig(`api-${randomUUID().slice(0, 8)}`, { env: { COLOUR: 'green' } })
const path = `/api/v1/services/acme/web/${config.key}`
const [A, B] = ['api-a', 'api-b'].map(shaOf) as [string, string]

beforeAll(async () => {
  database = await createTestDatabase()
  fixture = await openDeploymentFixture({
    url: database.url,
    instance: `test-${randomUUID().slice(0, 8)}`,
    httpPort: await freePort(),
  })
  await keepRepository(fixture.db)
  await fixture.keepImage(A, await serviceImage('good', 'one'))
  await fixture.keepImage(B, await serviceImage('good', 'two'))
  await fixture.deploy(config, A)
  await fixture.deploy({ ...config, env: { COLOUR: 'blue' } }, B)
  const repository = {
    id: 1,
    owner: 'acme',
    name: 'web',
    installationId: 7,
    isPrivate: false,
    defaultBranch: 'main',
    cloneUrl: '',
    htmlUrl: '',
  }
  const app = createServicesApiRoutes({
    ...fixture.deps,
    upkeep: fixture.upkeep,
    newId: randomUUID,
    queuedCheck: fixture.queuedCheck,
    authenticate: (authorization) => {
      const scope = authorization === 'Bearer admin' ? 'admin' : authorization === 'Bearer read' ? 'read' : null
      return Promise.resolve(
        scope === null
          ? { kind: 'refused' }
          : { kind: 'ok', identity: { actor: `token:${scope}`, scope, pools: null, organization: null } },
      )
    },
    findRepository: (owner, name) => Promise.resolve(owner === 'acme' && name === 'web' ? repository : null),
    repositoryOf: () => Promise.resolve(repository),
    deployNow: () => Promise.reject(new SlipwayError('conflict', 'not here')),
    audit: ({ action }) => Promise.resolve(void audited.push(action)),
  })
  app.onError((error, context) => errorResponse(context, error, silentLogger))
  ask = async (method, where, body, token = 'admin') => {
    const init = {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }
    const answer = await app.request(where, init)
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
})
afterAll(async () => {
  await fixture.end()
  await database.drop()
})

describe('/api/v1/services', () => {
  test('tells what is live to every token, and takes orders from admins only', async () => {
    expect(await ask('GET', path, undefined, 'read')).toMatchObject({
      status: 200,
      body: {
        repository: 'acme/web',
        live: { number: 2, sha: B, outcome: 'live' },
        deployment: { state: 'live' },
        lock: null,
      },
    })
    expect((await ask('POST', `${path}/rollback`, {}, 'read')).status).toBe(403)
    expect((await ask('GET', path, undefined, 'nobody')).status).toBe(401)
    expect((await ask('GET', '/api/v1/services/acme/web/unknown')).status).toBe(404)
    expect((await ask('GET', '/api/v1/services/other/repo/www')).status).toBe(404)
  })

  test('previews a rollback with what it would change, and refuses one to what was never good', async () => {
    expect(await ask('GET', `${path}/rollback`)).toMatchObject({
      status: 200,
      body: { from: { number: 2 }, to: { number: 1, sha: A }, changed_env: ['COLOUR'] },
    })
    expect((await ask('GET', `${path}/rollback?to=2`)).status).toBe(409)
    expect((await ask('GET', `${path}/rollback?to=99`)).status).toBe(404)
  })

  test('locks with a reason, keeps others from a rollback meanwhile, and unlocks', async () => {
    expect((await ask('POST', `${path}/lock`, {})).status).toBe(422)
    expect(await ask('POST', `${path}/lock`, { reason: 'moving' })).toMatchObject({
      status: 200,
      body: { lock: { by: 'token:admin', reason: 'moving' } },
    })
    const service = await fixture.deps.services.find(1, config.key, null)
    await fixture.deps.services.lock(service?.id ?? '', { by: 'octocat', reason: 'mine', until: null })
    expect((await ask('POST', `${path}/rollback`, {})).status).toBe(409)
    expect(await ask('POST', `${path}/unlock`)).toMatchObject({ status: 200, body: { lock: null } })
  })

  test('rolls back without a build, with the configuration of that release, and holds the other commit back', async () => {
    const started = await ask('POST', `${path}/rollback`, { to: 1 })
    expect(started.status).toBe(202)
    await fixture.workOnce()
    expect(await ask('GET', path)).toMatchObject({
      body: { live: { number: 1, sha: A }, held_sha: B, deployment: { run_id: started.body['run_id'], state: 'live' } },
    })
    const { body } = await ask('GET', `${path}/releases`)
    expect(body['releases']).toMatchObject([
      { number: 2, outcome: 'replaced', can_be_rolled_back_to: true },
      { number: 1, outcome: 'live' },
    ])
    expect(audited).toEqual(['service.lock', 'service.unlock', 'service.rollback'])
  })

  test('finds drift on the host, and mends it on request', async () => {
    expect((await ask('GET', `${path}/drift`)).body).toEqual({ drift: null })
    const service = await fixture.deps.services.find(1, config.key, null)
    await fixture.host.engine.call({
      method: 'DELETE',
      path: `/containers/${config.name}-${service?.liveReleaseId?.slice(0, 8) ?? ''}-1`,
      query: { force: true },
    })
    expect((await ask('GET', `${path}/drift`)).body).toEqual({ drift: 'it is not there any more' })
    expect((await ask('POST', `${path}/drift/fix`, {})).status).toBe(202)
    await fixture.workOnce()
    expect((await ask('GET', `${path}/drift`)).body).toEqual({ drift: null })
  })
})

test('the list of everything deployed, as Markdown', async () => {
  const service = await fixture.deps.services.find(1, config.key, null)
  if (service === null) throw new Error('no service')
  const live = await fixture.deps.releases.get(service.liveReleaseId ?? '')
  const text = servicesMarkdown([{ service, repository: 'acme/web', live, newest: null, releases: [], isOurs: false }])
  expect(text).toContain(
    `| acme/web | ${config.key} | production | local (container) | live | \`${A.slice(0, 7)}\` (release 1) |`,
  )
})
