/** API tokens. Only the SHA-256 of a token is kept; a token is shown once, when it is made. */
import { createHash, randomBytes } from 'node:crypto'
import type { TokenConfig, TokenScope } from '../config/server-config.ts'
import { reveal, secretOf, type Secret } from '../core/secret.ts'
import { writeAudit } from './audit.ts'
import { sql, type Database, type Queryable } from './database.ts'

/** 256 bits cannot be guessed, so a plain hash is enough to keep. */
const TOKEN_BYTES = 32
/** Makes a leaked token findable by secret scanners. */
const TOKEN_PREFIX = 'slipway_'
/** A busy token's last use is noted this often, not with every request. */
const LAST_USED_STEP_S = 60
const CONFIG_ACTOR = 'server.yml'

export interface ApiToken {
  readonly id: string
  readonly name: string
  readonly scope: TokenScope
  /** Null: every pool. */
  readonly pools: readonly string[] | null
  /** Of a runner's token. */
  readonly organization: string | null
  readonly createdBy: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  readonly lastUsedAt: Date | null
}

export interface NewToken {
  readonly name: string
  readonly scope: TokenScope
  readonly pools: readonly string[] | null
  readonly organization?: string | null
  /** Null: until it is revoked. */
  readonly ttlMs: number | null
}

export interface IssuedToken {
  readonly token: Secret
  readonly record: ApiToken
}

export interface TokenStore {
  issue(token: NewToken, actor: string): Promise<IssuedToken>
  list(): Promise<readonly ApiToken[]>
  /** A token of the same name and rights; the old one stays valid for `overlapMs`. Null when there is none to rotate. */
  rotate(id: string, overlapMs: number, actor: string): Promise<IssuedToken | null>
  /** False when it does not exist or was revoked before. */
  revoke(id: string, actor: string): Promise<boolean>
  /** The valid token with this SHA-256. */
  findByHash(hash: Uint8Array): Promise<ApiToken | null>
  /** Makes the tokens of server.yml valid, and those it no longer names invalid. */
  applyConfig(tokens: readonly TokenConfig[]): Promise<void>
  /** An admin's token when the database has none, to be printed once; else null. */
  ensureAdminToken(): Promise<Secret | null>
}

export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

export function createTokenStore(db: Database): TokenStore {
  return {
    issue: (token, actor) => db.transaction((tx) => issue(tx, token, actor)),
    list: () => readTokens(db),
    rotate: (id, overlapMs, actor) =>
      db.transaction(async (tx) => {
        const [old] = await tx.rows<TokenRow>(sql`
          update api_tokens set expires_at = least(expires_at, now() + ${overlapMs}::float8 * interval '1 millisecond')
          where id = ${id} and ${IS_VALID} returning *`)
        if (old === undefined) return null
        return issue(
          tx,
          { name: old.name, scope: old.scope, pools: old.pools, organization: old.organization, ttlMs: null },
          actor,
        )
      }),
    revoke: (id, actor) =>
      db.transaction(async (tx) => {
        const [row] = await tx.rows<TokenRow>(sql`
          update api_tokens set revoked_at = now() where id = ${id} and revoked_at is null returning *`)
        if (row === undefined) return false
        await writeAudit(tx, { actor, action: 'token.revoke', subject: `token:${row.name}`, detail: { id } })
        return true
      }),
    findByHash: async (hash) => {
      const [row] = await db.rows<TokenRow>(sql`select * from api_tokens where hash = ${hash} and ${IS_VALID}`)
      if (row === undefined) return null
      await db.run(sql`update api_tokens set last_used_at = now() where id = ${row.id}
        and (last_used_at is null or last_used_at < now() - ${LAST_USED_STEP_S} * interval '1 second')`)
      return toToken(row)
    },
    applyConfig: (tokens) => db.transaction((tx) => applyConfig(tx, tokens)),
    ensureAdminToken: () =>
      db.transaction(async (tx) => {
        // Two processes that start at once must not print two tokens.
        await tx.run(sql`lock table api_tokens in share row exclusive mode`)
        const existing = await tx.first<object>(sql`select 1 from api_tokens where scope = 'admin' and ${IS_VALID}`)
        if (existing !== null) return null
        const issued = await issue(tx, { name: 'first admin', scope: 'admin', pools: null, ttlMs: null }, 'slipway')
        return issued.token
      }),
  }
}

const IS_VALID = sql`revoked_at is null and (expires_at is null or expires_at > now())`

async function issue(tx: Queryable, token: NewToken, actor: string): Promise<IssuedToken> {
  const text = `${TOKEN_PREFIX}${randomBytes(TOKEN_BYTES).toString('base64url')}`
  const record = await insert(tx, token, hashToken(text), actor)
  return { token: secretOf(text), record }
}

async function insert(tx: Queryable, token: NewToken, hash: Uint8Array, actor: string): Promise<ApiToken> {
  const row = await tx.first<TokenRow>(sql`
    insert into api_tokens (name, scope, hash, pools, organization, created_by, expires_at)
    values (${token.name}, ${token.scope}, ${hash}, ${token.pools === null ? null : [...token.pools]}, ${token.organization ?? null},
      ${actor}, now() + ${token.ttlMs}::float8 * interval '1 millisecond') returning *`)
  if (row === null) throw new Error('a token was not written')
  await writeAudit(tx, {
    actor,
    action: 'token.create',
    subject: `token:${token.name}`,
    detail: { id: row.id, scope: token.scope, pools: token.pools },
  })
  return toToken(row)
}

async function applyConfig(tx: Queryable, tokens: readonly TokenConfig[]): Promise<void> {
  const wanted = tokens.map((token) => ({ ...token, hash: hashToken(reveal(token.token)) }))
  const dropped = await tx.rows<{ name: string }>(sql`
    update api_tokens set revoked_at = now() where created_by = ${CONFIG_ACTOR} and revoked_at is null
      and not (hash = any(${wanted.map(({ hash }) => hash)}::bytea[])) returning name`)
  for (const { name } of dropped) {
    await writeAudit(tx, { actor: CONFIG_ACTOR, action: 'token.revoke', subject: `token:${name}` })
  }
  for (const { name, scope, pools, hash } of wanted) {
    const updated = await tx.run(sql`
      update api_tokens set name = ${name}, scope = ${scope}, pools = ${pools === null ? null : [...pools]}, revoked_at = null,
        expires_at = null where hash = ${hash}`)
    if (updated === 0) await insert(tx, { name, scope, pools, ttlMs: null }, hash, CONFIG_ACTOR)
  }
}

async function readTokens(db: Queryable): Promise<readonly ApiToken[]> {
  const rows = await db.rows<TokenRow>(sql`select * from api_tokens order by created_at desc, id`)
  return rows.map(toToken)
}

interface TokenRow {
  readonly id: string
  readonly name: string
  readonly scope: TokenScope
  readonly pools: readonly string[] | null
  readonly organization: string | null
  readonly created_by: string
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly revoked_at: Date | null
  readonly last_used_at: Date | null
}

function toToken(row: TokenRow): ApiToken {
  return {
    id: row.id,
    name: row.name,
    scope: row.scope,
    pools: row.pools,
    organization: row.organization,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  }
}
