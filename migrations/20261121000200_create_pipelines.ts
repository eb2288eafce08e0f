import type { Knex } from 'knex'

/** What stages keep (artifacts, caches), when schedules were last looked at, and who may ask for runs over the runner's API. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
create table artifacts (
  id uuid primary key default gen_random_uuid(),
  run_id uuid not null references runs (id),
  name text not null,
  -- within the workspace
  path text not null,
  size bigint not null,
  sha256 text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  unique (run_id, path)
);
create index artifacts_by_content on artifacts (sha256);
create index artifacts_by_expiry on artifacts (expires_at);

create table caches (
  id bigint generated always as identity primary key,
  repository_id bigint not null references repositories (id),
  -- branch:NAME, pull:NUMBER, tag:NAME, merge:NAME
  scope text not null,
  key text not null,
  stage text not null,
  size bigint not null,
  sha256 text not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  unique (repository_id, scope, key)
);
create index caches_by_content on caches (sha256);
create index caches_by_use on caches (repository_id, last_used_at);

create table schedule_looks (
  repository_id bigint primary key references repositories (id),
  looked_at timestamptz not null
);

create table runner_nonces (
  -- sha-256 of the nonce
  hash bytea primary key,
  organization text not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);

create table runner_triggers (
  run_id uuid primary key references runs (id),
  pipeline_id text not null,
  stage_id text not null,
  organization text,
  created_at timestamptz not null default now()
);
create index runner_triggers_by_stage on runner_triggers (stage_id, created_at desc);
`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table runner_triggers, runner_nonces, schedule_looks, caches, artifacts')
}
