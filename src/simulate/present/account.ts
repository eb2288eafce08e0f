/** An account as GitHub shows it, in short and in full. */
import type { JsonObject } from '../json.ts'
import type { Account } from '../world/identities.ts'
import type { World } from '../world/world.ts'
import { apiUrl, nodeId } from './addresses.ts'

export function presentAccount(world: World, account: Account): JsonObject {
  const bot = account.login.endsWith('[bot]')
  const url = apiUrl(world, `/users/${encodeURIComponent(account.login)}`)
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId(account.type, account.id),
    avatar_url: `${world.origin}/avatars/${account.id}`,
    gravatar_id: '',
    url,
    html_url: bot
      ? `${world.origin}/apps/${account.login.slice(0, -'[bot]'.length)}`
      : `${world.origin}/${account.login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: bot ? 'Bot' : account.type,
    site_admin: false,
  }
}

export function presentFullAccount(world: World, account: Account): JsonObject {
  return {
    ...presentAccount(world, account),
    name: account.name,
    email: account.email,
    created_at: account.createdAt,
    updated_at: account.createdAt,
    public_repos: [...world.repositories.values()].filter(({ ownerId, deleted }) => ownerId === account.id && !deleted)
      .length,
  }
}

/** The short form that webhooks of an organization's repositories carry. */
export function presentOrganization(world: World, account: Account): JsonObject {
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId(account.type, account.id),
    url: apiUrl(world, `/orgs/${account.login}`),
    avatar_url: `${world.origin}/avatars/${account.id}`,
    description: null,
  }
}
