/** The registered app and its installations as GitHub shows them. */
import type { JsonObject } from '../json.ts'
import { accountOf } from '../world/accounts.ts'
import type { Installation } from '../world/identities.ts'
import { installationsOf } from '../world/installations.ts'
import type { World } from '../world/world.ts'
import { presentAccount } from './account.ts'
import { apiUrl, nodeId } from './addresses.ts'

export function presentApp(world: World): JsonObject {
  const { app } = world
  return {
    id: app.id,
    slug: app.slug,
    node_id: nodeId('App', app.id),
    client_id: app.clientId,
    owner: presentAccount(world, accountOf(world, app.ownerId)),
    name: app.name,
    description: null,
    external_url: world.origin,
    html_url: `${world.origin}/apps/${app.slug}`,
    created_at: app.createdAt,
    updated_at: app.createdAt,
    permissions: app.permissions,
    events: app.events,
    installations_count: installationsOf(world).length,
  }
}

export function presentInstallation(world: World, installation: Installation): JsonObject {
  const account = accountOf(world, installation.accountId)
  const url = apiUrl(world, `/app/installations/${installation.id}`)
  return {
    id: installation.id,
    account: presentAccount(world, account),
    repository_selection: installation.selection,
    access_tokens_url: `${url}/access_tokens`,
    repositories_url: apiUrl(world, '/installation/repositories'),
    html_url: `${world.origin}/settings/installations/${installation.id}`,
    app_id: world.app.id,
    app_slug: world.app.slug,
    client_id: world.app.clientId,
    target_id: account.id,
    target_type: account.type,
    permissions: installation.permissions,
    events: installation.events,
    created_at: installation.createdAt,
    updated_at: installation.updatedAt,
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    suspended_by:
      installation.suspendedBy === null ? null : presentAccount(world, accountOf(world, installation.suspendedBy)),
    suspended_at: installation.suspendedAt,
  }
}
