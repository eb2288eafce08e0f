import type { Knex } from 'knex'

/** What every feature stands on: who GitHub is to us, what came in, what is to do, what happened, what GitHub should show. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
create table settings (
  key text primary key,
  value jsonb not null,
  updated_at timestamptz not null default now()
);

create table processes (
  id uuid primary key,
  -- host name, boot and pid namespace: two processes that share it can see each other's pids
  machine text not null,
  pid integer not null,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now(),
  stopping boolean not null default false
);

create table installations (
  id bigint primary key,
  account text not null,
  permissions jsonb not null default '{}',
  suspended_at timestamptz,
  deleted_at timestamptz,
  updated_at timestamptz not null default now()
);

create table repositories (
  id bigint primary key,
  installation_id bigint not null,
  owner text not null,
  name text not null,
  is_private boolean not null,
  default_branch text not null,
  clone_url text not null,
  html_url text not null,
  removed_at timestamptz,
  updated_at timestamptz not null default now()
);
create index repositories_by_name on repositories (lower(owner), lower(name));
create index repositories_by_installation on repositories (installation_id);

create table branches (
  repository_id bigint not null references repositories (id),
  name text not null,
  head_sha text not null,
  previous_sha text,
  tree_sha text,
  deleted_at timestamptz,
  updated_at timestamptz not null default now(),
  primary key (repository_id, name)
);

create table pull_requests (
  repository_id bigint not null references repositories (id),
  number integer not null,
  state text not null check (state in ('open', 'closed')),
  head_sha text not null,
  head_ref text not null,
  head_repository text,
  is_fork boolean not null,
  base_ref text not null,
  base_sha text not null,
  author text not null,
  title text not null,
  updated_at timestamptz not null default now(),
  primary key (repository_id, number)
);
create index pull_requests_by_head on pull_requests (repository_id, head_sha);

create table approvals (
  id bigint generated always as identity primary key,
  repository_id bigint not null references repositories (id),
  -- fork: the head commit of a pull request; deployment: the digest that may go live
  subject text not null check (subject in ('fork', 'deployment')),
  -- the commit's sha, or the image's digest
  object text not null,
  scope text not null,
  approved_by text not null,
  approved_at timestamptz not null default now(),
  unique (repository_id, subject, object, scope)
);

create table deliveries (
  id text primary key,
  sequence bigint generated always as identity,
  event text not null,
  action text,
  installation_id bigint,
  repository_id bigint,
  -- the bytes that were signed; text, because jsonb refuses some legal JSON
  payload text not null,
  state text not null default 'received' check (state in ('received', 'handled', 'ignored', 'failed')),
  note text,
  received_at timestamptz not null default now(),
  handled_at timestamptz
);
create index deliveries_to_do on deliveries (sequence) where state = 'received';
create index deliveries_by_time on deliveries (received_at);

create table jobs (
  id bigint generated always as identity primary key,
  kind text not null,
  -- at most one open job has it; asking again while it runs makes it run once more
  key text,
  payload jsonb not null default '{}',
  repository_id bigint,
  lane text not null default 'general',
  lane_cap integer,
  repository_cap integer,
  priority integer not null default 0,
  state text not null default 'ready' check (state in ('ready', 'running', 'parked')),
  run_at timestamptz not null default now(),
  run_again boolean not null default false,
  attempts integer not null default 0,
  deaths integer not null default 0,
  generation bigint not null default 0,
  process_id uuid,
  claimed_at timestamptz,
  last_error text,
  created_at timestamptz not null default now()
);
create unique index jobs_open_key on jobs (key) where key is not null and state <> 'parked';
create index jobs_ready on jobs (priority desc, id) where state = 'ready';
create index jobs_running on jobs (lane, repository_id) where state = 'running';

create table runs (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('deployability', 'stage', 'deployment', 'package', 'config')),
  repository_id bigint not null references repositories (id),
  sha text not null,
  name text not null,
  attempt integer not null default 1,
  state text not null default 'queued' check (state in ('queued', 'in_progress', 'completed')),
  conclusion text check (conclusion in
    ('success', 'failure', 'cancelled', 'timed_out', 'skipped', 'neutral', 'action_required')),
  reason text,
  event text not null,
  trust text not null check (trust in ('trusted', 'fork')),
  ref text not null,
  branch text,
  tag text,
  pull_request integer,
  actor text,
  group_id uuid not null,
  supersede_key text,
  plan jsonb not null default '{}',
  -- longest time from start to end
  timeout_ms bigint not null,
  result jsonb,
  cancel_requested_at timestamptz,
  cancel_reason text,
  cancel_by text,
  -- the run's own limit on the database's clock; the sweeper ends what is past it (invariant I4)
  deadline_at timestamptz,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz,
  unique (repository_id, sha, name, attempt),
  check ((state = 'completed') = (conclusion is not null)),
  check ((state = 'completed') = (completed_at is not null))
);
create index runs_open on runs (repository_id, supersede_key) where state <> 'completed';
create index runs_by_group on runs (group_id);
create index runs_by_time on runs (repository_id, created_at desc);
create index runs_newest on runs (created_at desc);

create table run_events (
  id bigint generated always as identity primary key,
  run_id uuid not null references runs (id),
  at timestamptz not null default now(),
  kind text not null,
  message text not null
);
create index run_events_by_run on run_events (run_id, id);

create table check_reports (
  run_id uuid primary key references runs (id),
  repository_id bigint not null,
  installation_id bigint not null,
  -- GitHub's id, written as soon as it is known
  check_run_id bigint,
  -- a creation was begun: if its answer was lost, it is looked up by external id before it is repeated
  creating_since timestamptz,
  desired jsonb not null,
  version integer not null default 1,
  sent_version integer not null default 0,
  annotations_sent integer not null default 0,
  -- GitHub shows a conclusion already: it may be changed, but never taken back
  shown_completed boolean not null default false,
  is_terminal boolean not null default false,
  failures integer not null default 0,
  given_up_at timestamptz,
  next_try_at timestamptz not null default now(),
  last_error text,
  updated_at timestamptz not null default now()
);
create index check_reports_unsent on check_reports (installation_id, is_terminal desc, updated_at)
  where sent_version < version and given_up_at is null;

create table write_budgets (
  installation_id bigint primary key,
  tokens double precision not null,
  refilled_at timestamptz not null default now(),
  -- after a limit of GitHub: no call before this time
  blocked_until timestamptz
);

create table created_objects (
  installation_id bigint not null,
  created_at timestamptz not null default now()
);
create index created_objects_by_time on created_objects (installation_id, created_at);

create table image_builds (
  id uuid primary key default gen_random_uuid(),
  repository_id bigint not null references repositories (id),
  trust text not null check (trust in ('trusted', 'fork')),
  host text not null,
  platform text not null,
  -- digest over everything that decides the image: tree, Dockerfile, arguments, target, platform
  inputs_digest text not null,
  image_id text not null,
  run_id uuid references runs (id),
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  unique (repository_id, trust, host, platform, inputs_digest)
);

create table config_cache (
  repository_id bigint not null references repositories (id),
  tree_sha text not null,
  -- null: the tree has no slipway.yml
  content text,
  read_at timestamptz not null default now(),
  primary key (repository_id, tree_sha)
);

create table logs (
  run_id uuid not null references runs (id),
  -- empty for the run's own log, else the step's or service's name
  stream text not null default '',
  lines bigint not null default 0,
  bytes bigint not null default 0,
  is_complete boolean not null default false,
  location text not null,
  updated_at timestamptz not null default now(),
  primary key (run_id, stream)
);

create table api_tokens (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  scope text not null check (scope in ('pool', 'runner', 'packages', 'read', 'admin')),
  -- sha-256 of the token; the token itself is shown once
  hash bytea not null unique,
  pools text[],
  organization text,
  created_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);

create table secrets (
  id bigint generated always as identity primary key,
  -- owner/name or owner/*
  repository text not null,
  name text not null,
  version integer not null,
  ciphertext bytea not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  deleted_at timestamptz,
  unique (repository, name, version)
);

create table sessions (
  -- sha-256 of the cookie
  id bytea primary key,
  login text not null,
  is_admin boolean not null,
  github_token bytea,
  csrf text not null,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  expires_at timestamptz not null
);

create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  subject text not null,
  detail jsonb not null default '{}'
);
create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only';
end $$;
create trigger audit_log_is_append_only before update or delete or truncate on audit_log
  for each statement execute function refuse_audit_change();
`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
drop table audit_log, sessions, secrets, api_tokens, logs, config_cache, image_builds, created_objects, write_budgets,
  check_reports, run_events, runs, jobs, deliveries, approvals, pull_requests, branches, repositories, installations,
  processes, settings;
drop function refuse_audit_change();
`)
}
