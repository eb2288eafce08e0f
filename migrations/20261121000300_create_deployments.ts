import type { Knex } from 'knex'

/** Services, their releases, the deployments that put them in place, the proxies' tables, and what is told about it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
create table services (
  id uuid primary key default gen_random_uuid(),
  repository_id bigint not null references repositories (id),
  -- the key in slipway.yml
  key text not null,
  -- set for the copy of a pull request; 0 for the service of the live branch, so that it can be unique
  pull_request integer not null default 0,
  branch text not null,
  host text not null,
  driver text not null check (driver in ('swarm', 'container', 'unikernel')),
  -- on the host
  name text not null,
  environment text not null,
  url text,
  live_release_id uuid,
  -- a commit that was rolled back: stays back until a newer one comes or a person asks
  held_sha text,
  locked_by text,
  lock_reason text,
  locked_until timestamptz,
  locked_at timestamptz,
  drift text,
  drift_since timestamptz,
  expires_at timestamptz,
  removed_at timestamptz,
  created_at timestamptz not null default now(),
  unique (repository_id, key, pull_request)
);
-- two repositories can never fight for one name on one host
create unique index services_by_host_name on services (host, lower(name)) where removed_at is null;

create table releases (
  id uuid primary key default gen_random_uuid(),
  service_id uuid not null references services (id),
  number integer not null,
  sha text not null,
  image_id text not null,
  image_digest text,
  -- the host that has the image for certain
  image_host text not null,
  config jsonb not null,
  secret_versions jsonb not null default '{}',
  -- one release a run: asked for again after a crash, it is found
  run_id uuid not null unique references runs (id),
  approved_by text,
  outcome text not null default 'prepared'
    check (outcome in ('prepared', 'live', 'replaced', 'rolled_back', 'failed', 'dropped')),
  reason text,
  created_at timestamptz not null default now(),
  live_since timestamptz,
  live_until timestamptz,
  pruned_at timestamptz,
  unique (service_id, number)
);
-- at most one release of a service is live
create unique index releases_live on releases (service_id) where outcome = 'live';
alter table services add foreign key (live_release_id) references releases (id);

create table deployments (
  run_id uuid primary key references runs (id),
  service_id uuid not null references services (id),
  state text not null default 'queued' check (state in ('queued', 'building', 'publishing', 'waiting', 'rolling',
    'baking', 'live', 'rolled_back', 'failed', 'superseded', 'cancelled')),
  direction text not null default 'forward' check (direction in ('forward', 'back')),
  release_id uuid references releases (id),
  previous_release_id uuid references releases (id),
  failure jsonb,
  warnings jsonb not null default '[]',
  override_by text,
  override_reason text,
  timeline jsonb not null default '[]',
  state_since timestamptz not null default now(),
  created_at timestamptz not null default now()
);
create index deployments_by_service on deployments (service_id, created_at desc);

create table proxy_routes (
  host text not null,
  backend integer not null,
  service_id uuid not null references services (id),
  slots jsonb not null default '[]',
  primary key (host, backend),
  unique (host, service_id)
);
create table proxy_domains (
  host text not null,
  domain text not null,
  service_id uuid not null references services (id),
  primary key (host, domain)
);

create table deployment_reports (
  run_id uuid primary key references runs (id),
  repository_id bigint not null,
  installation_id bigint not null,
  -- GitHub's id, written as soon as it is known
  deployment_id bigint,
  creating_since timestamptz,
  desired jsonb not null,
  version integer not null default 1,
  sent_version integer not null default 0,
  is_terminal boolean not null default false,
  failures integer not null default 0,
  given_up_at timestamptz,
  next_try_at timestamptz not null default now(),
  last_error text,
  updated_at timestamptz not null default now()
);
create index deployment_reports_unsent on deployment_reports (installation_id, is_terminal desc, updated_at)
  where sent_version < version and given_up_at is null;

create table notifications (
  id bigint generated always as identity primary key,
  -- one outcome is told once
  key text not null unique,
  channel text not null check (channel in ('slack', 'webhook', 'mail')),
  body jsonb not null,
  failures integer not null default 0,
  last_error text,
  next_try_at timestamptz not null default now(),
  sent_at timestamptz,
  given_up_at timestamptz,
  created_at timestamptz not null default now()
);
create index notifications_unsent on notifications (next_try_at) where sent_at is null and given_up_at is null;
`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
drop table notifications, deployment_reports, proxy_domains, proxy_routes, deployments;
alter table services drop constraint services_live_release_id_fkey;
drop table releases, services;
`)
}
