import type { Knex } from 'knex'

/**
 * Packages: what was built from which tag, and the bytes that were released for ever. A build is a run; its state is
 * the run's own, so the two can never disagree.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
create table packages (
  id bigint generated always as identity primary key,
  repository_id bigint not null references repositories (id),
  -- the key in the file's "packages" section
  name text not null,
  -- owner/name in lower case, for search; follows the repository's owner
  search_name text not null,
  created_at timestamptz not null default now(),
  unique (repository_id, name)
);
create index packages_by_prefix on packages (search_name text_pattern_ops, id);
create index packages_by_name on packages (lower(name));

create function rename_packages() returns trigger language plpgsql as $$
begin
  update packages set search_name = lower(new.owner || '/' || name) where repository_id = new.id;
  return null;
end $$;
create trigger packages_follow_owner after update of owner on repositories
  for each row when (old.owner is distinct from new.owner) execute function rename_packages();

-- substring search; a server without the extension scans the packages, of which there are far fewer than builds
do $$
begin
  create extension if not exists pg_trgm;
  create index packages_by_substring on packages using gin (search_name gin_trgm_ops);
exception when others then
  raise notice 'pg_trgm is not available: %', sqlerrm;
end $$;

create table package_versions (
  id uuid primary key default gen_random_uuid(),
  package_id bigint not null references packages (id),
  tag text not null,
  -- the commit that may publish; fixed from the first artifact on
  sha text not null,
  -- sorts like the version it stands for
  sort_key text collate "C" not null,
  moved_to text,
  moved_at timestamptz,
  tag_deleted_at timestamptz,
  retired_at timestamptz,
  retired_reason text,
  retired_by text,
  created_at timestamptz not null default now(),
  unique (package_id, tag),
  check ((retired_at is null) = (retired_reason is null))
);
create index package_versions_in_order on package_versions (package_id, sort_key desc, id);

create table package_builds (
  run_id uuid primary key references runs (id),
  sequence bigint generated always as identity,
  package_id bigint not null references packages (id),
  version_id uuid not null references package_versions (id),
  -- values of the axes, and the same as one text: 'erl_version=25'
  axes jsonb not null default '{}',
  variant text not null default '',
  -- its artifact is the one that was released; set in the same transaction, so that lists need no join to find it
  is_released boolean not null default false,
  created_at timestamptz not null default now()
);
create unique index package_builds_newest on package_builds (sequence);
create index package_builds_released on package_builds (sequence desc) where is_released;
create index package_builds_of_package on package_builds (package_id, sequence desc);
create index package_builds_of_variant on package_builds (version_id, variant, sequence desc);
create index package_builds_with_runtime on package_builds ((axes ->> 'erl_version'), sequence desc)
  where jsonb_exists(axes, 'erl_version');

create table package_artifacts (
  version_id uuid not null references package_versions (id),
  variant text not null,
  run_id uuid not null unique references runs (id),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  size bigint not null check (size >= 0),
  file_name text not null,
  -- DSSE envelope
  provenance jsonb not null,
  published_at timestamptz not null default now(),
  primary key (version_id, variant)
);
create index package_artifacts_by_digest on package_artifacts (sha256);
create index package_artifacts_by_time on package_artifacts (published_at desc);

create table package_runtimes (
  -- value of the axis erl_version
  version text primary key,
  image text not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  size bigint not null check (size >= 0),
  published_at timestamptz not null default now()
);

create function refuse_release_change() returns trigger language plpgsql as $$
begin
  raise exception 'what was released never changes';
end $$;
create trigger package_artifacts_never_change before update or delete or truncate on package_artifacts
  for each statement execute function refuse_release_change();
create trigger package_runtimes_never_change before update or delete or truncate on package_runtimes
  for each statement execute function refuse_release_change();

create function keep_released_commit() returns trigger language plpgsql as $$
begin
  if exists (select 1 from package_artifacts where version_id = old.id) then
    raise exception 'the commit of a released version never changes';
  end if;
  return new;
end $$;
create trigger package_versions_keep_commit before update of sha, tag, package_id on package_versions
  for each row when (old.sha is distinct from new.sha or old.tag is distinct from new.tag
    or old.package_id is distinct from new.package_id) execute function keep_released_commit();

-- tags that were looked at, and for which commit: reconciliation reads the configuration of the others only
create table package_tags (
  repository_id bigint not null references repositories (id),
  tag text not null,
  sha text not null,
  seen_at timestamptz not null default now(),
  primary key (repository_id, tag)
);

create table provenance_keys (
  -- sha-256 of the public key in DER, hexadecimal
  id text primary key,
  public_pem text not null,
  -- encrypted; forgotten when the key is retired
  sealed_private bytea,
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  check ((retired_at is null) = (sealed_private is not null))
);
create unique index provenance_keys_active on provenance_keys ((true)) where retired_at is null;
`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
drop table provenance_keys, package_tags, package_runtimes, package_artifacts, package_builds, package_versions, packages;
drop trigger packages_follow_owner on repositories;
drop function rename_packages, refuse_release_change, keep_released_commit;
`)
}
