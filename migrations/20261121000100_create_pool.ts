import type { Knex } from 'knex'

/** The release pool: who may hold what, who does, who waits, and everything that ever happened to an instance. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
create table pools (
  id bigint generated always as identity primary key,
  name text not null unique,
  timeout_ms bigint not null,
  max_timeout_ms bigint not null,
  -- {kind: 'container', image, commands, timeoutMs} or {kind: 'http', url, timeoutMs}
  cleaning jsonb,
  -- {path, timeoutMs}
  health jsonb,
  selection text not null default 'lowest' check (selection in ('lowest', 'least_recent')),
  quarantine_after integer not null default 3 check (quarantine_after > 0),
  max_held_per_repository integer check (max_held_per_repository > 0),
  max_waiting_per_repository integer check (max_waiting_per_repository >= 0),
  -- file: server.yml decides about it
  source text not null default 'api' check (source in ('api', 'file')),
  created_at timestamptz not null default now(),
  -- a closed pool takes no requests; its history stays
  closed_at timestamptz,
  check (timeout_ms > 0 and timeout_ms <= max_timeout_ms)
);
-- the pool behind the compatible API is always there
insert into pools (name, timeout_ms, max_timeout_ms) values ('default', 2700000, 14400000);

create table pool_instances (
  id bigint generated always as identity primary key,
  pool_id bigint not null references pools (id),
  domain text not null,
  -- encrypted; bound to the domain
  token bytea not null,
  labels jsonb not null default '{}',
  note text not null default '',
  state text not null default 'free' check (state in ('free', 'held', 'cleaning', 'quarantined')),
  is_draining boolean not null default false,
  -- removed as soon as nobody holds it
  is_leaving boolean not null default false,
  -- failed cleanings and probes since the last good one
  failures integer not null default 0,
  last_error text,
  source text not null default 'api' check (source in ('api', 'file')),
  since timestamptz not null default clock_timestamp(),
  freed_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz,
  check (is_draining or not is_leaving),
  check (deleted_at is null or state <> 'held')
);
-- the same machine in two pools could have two holders
create unique index pool_instances_domain on pool_instances (lower(domain)) where deleted_at is null;
create index pool_instances_by_pool on pool_instances (pool_id, id) where deleted_at is null;
create index pool_instances_free on pool_instances (pool_id, id)
  where state = 'free' and not is_draining and deleted_at is null;

create sequence pool_generations;
create table pool_reservations (
  id uuid primary key default gen_random_uuid(),
  pool_id bigint not null references pools (id),
  generation bigint not null default nextval('pool_generations'),
  -- probing: its instances are held for it while their health is checked
  state text not null check (state in ('waiting', 'probing', 'held', 'ended')),
  client text not null,
  -- compatible API: a client has at most one
  is_exclusive boolean not null default false,
  -- whose turn it counts as: the repository where one is known, else the client
  fair_key text collate "C" not null,
  repository text,
  repository_id bigint,
  pull_request integer,
  branch text,
  run_id uuid,
  actor text not null,
  reason text not null default '',
  count integer not null default 1 check (count between 1 and 100),
  labels jsonb not null default '{}',
  -- a request by name
  instance_id bigint references pool_instances (id),
  priority integer not null default 0,
  timeout_ms bigint not null check (timeout_ms > 0),
  -- null: does not wait
  wait_until timestamptz,
  -- a waiter that is not seen for so long is gone; null: it waits until its run ends
  waiter_ttl_ms bigint,
  waiter_seen_at timestamptz,
  -- the connection that waits for it now; only that one may withdraw it by hanging up
  waiter_id uuid,
  idempotency_key text,
  hold_on_failure_ms bigint,
  is_kept_for_debugging boolean not null default false,
  heartbeat_ms bigint,
  heartbeat_at timestamptz,
  -- the job to wake when the wait is over
  wake_job jsonb,
  created_at timestamptz not null default clock_timestamp(),
  granted_at timestamptz,
  expires_at timestamptz,
  ended_at timestamptz,
  ending text check (ending in
    ('released', 'expired', 'stolen', 'reaped', 'withdrawn', 'gave_up', 'unservable', 'refused', 'owner_gone')),
  check ((state = 'ended') = (ended_at is not null)),
  check ((state = 'ended') = (ending is not null)),
  check (state not in ('held', 'probing') or expires_at is not null)
);
create unique index pool_reservations_one_per_client on pool_reservations (pool_id, client)
  where is_exclusive and state <> 'ended';
create unique index pool_reservations_one_per_run on pool_reservations (run_id)
  where run_id is not null and state <> 'ended';
create unique index pool_reservations_idempotency on pool_reservations (pool_id, actor, idempotency_key)
  where idempotency_key is not null;
create index pool_reservations_waiting on pool_reservations (pool_id) where state = 'waiting';
create index pool_reservations_open on pool_reservations (pool_id, client) where state <> 'ended';
create index pool_reservations_by_repository on pool_reservations (repository) where state <> 'ended';
create index pool_reservations_by_repository_id on pool_reservations (repository_id) where state <> 'ended';
create index pool_reservations_served on pool_reservations (pool_id, fair_key, granted_at);
create index pool_reservations_held on pool_reservations (pool_id, fair_key) where state in ('held', 'probing');
create index pool_reservations_due on pool_reservations (expires_at) where state in ('held', 'probing');

create table pool_holds (
  id bigint generated always as identity primary key,
  reservation_id uuid not null references pool_reservations (id),
  instance_id bigint not null references pool_instances (id),
  since timestamptz not null default clock_timestamp(),
  until timestamptz,
  check (until >= since)
);
-- invariant I5: whatever the code does, an instance has one holder
create unique index pool_holds_one_holder on pool_holds (instance_id) where until is null;
create index pool_holds_by_reservation on pool_holds (reservation_id);
create index pool_holds_by_time on pool_holds (since);

create table pool_events (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  pool_id bigint not null references pools (id),
  instance_id bigint references pool_instances (id),
  reservation_id uuid references pool_reservations (id),
  kind text not null,
  actor text not null,
  client text,
  reason text not null default '',
  -- of what has just ended: the wait, the hold, the cleaning
  lasted_ms bigint
);
create index pool_events_by_pool on pool_events (pool_id, id desc);
create index pool_events_by_instance on pool_events (instance_id, id desc);

-- when the sweep last ran, and since when it has run without a gap: silence during our own outage is nobody's death
create table pool_sweeps (
  only_row boolean primary key default true check (only_row),
  swept_at timestamptz not null default now(),
  steady_since timestamptz not null default now()
);
insert into pool_sweeps default values;
`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
drop table pool_sweeps, pool_events, pool_holds, pool_reservations, pool_instances, pools;
drop sequence pool_generations;
`)
}
