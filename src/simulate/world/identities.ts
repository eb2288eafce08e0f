/** Who acts: people, organizations, the one registered app, its installations and every kind of token. */

export interface Account {
  readonly id: number
  login: string
  readonly type: 'User' | 'Organization'
  readonly name: string
  readonly email: string
  /** Of an organization: ids of users who own it. */
  readonly owners: Set<number>
  readonly createdAt: string
}

export type Level = 'read' | 'write' | 'admin'
export type Permissions = Readonly<Record<string, Level>>

/** The registered GitHub App. One at a time: a manifest conversion replaces its name and secrets in place. */
export interface AppRegistration {
  id: number
  slug: string
  name: string
  ownerId: number
  clientId: string
  clientSecret: string
  privateKey: string
  publicKey: string
  webhookUrl: string | undefined
  webhookSecret: string
  permissions: Permissions
  events: readonly string[]
  readonly hookId: number
  readonly createdAt: string
}

export interface Installation {
  readonly id: number
  readonly accountId: number
  selection: 'all' | 'selected'
  readonly repositoryIds: Set<number>
  permissions: Permissions
  events: readonly string[]
  suspendedAt: string | null
  suspendedBy: number | null
  deleted: boolean
  readonly createdAt: string
  updatedAt: string
}

export interface Token {
  readonly value: string
  readonly kind: 'installation' | 'user' | 'refresh'
  readonly installationId: number | null
  readonly userId: number | null
  /** `null`: every repository of the installation. */
  readonly repositoryIds: ReadonlySet<number> | null
  readonly permissions: Permissions
  /** Milliseconds since the epoch. */
  expiresAt: number
  /** Ended by the control API: its use is answered 401 and is no fault of the client. */
  revoked: boolean
}

/** A code of the OAuth web flow between "Authorize" and the exchange. */
export interface OAuthGrant {
  readonly code: string
  readonly userId: number
  readonly redirectUri: string
  readonly challenge: string | undefined
  readonly expiresAt: number
}
