import type { Knex } from 'knex'

/**
 * A session that a token opened is as valid as the token, so it keeps the token, sealed. Who is an admin is asked of
 * the configuration each time, and GitHub's tokens are not kept at all.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
delete from sessions;
alter table sessions drop column github_token, drop column is_admin, add column credential bytea;
create index sessions_by_end on sessions (expires_at);
`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
delete from sessions;
drop index sessions_by_end;
alter table sessions drop column credential, add column github_token bytea, add column is_admin boolean not null;
`)
}
