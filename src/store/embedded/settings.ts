/** How the embedded server is set up. PostgreSQL's defaults hold for everything that is not named here. */

/** Written into postgresql.conf when the cluster is made: an admin may change them there. */
export const CLUSTER_SETTINGS = {
  // Several Slipway processes with a pool each, and room for a curious psql.
  max_connections: '200',
  shared_buffers: '128MB',
  // Small rows and short queries: planning for parallel workers or compiling costs more than it saves.
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  // One machine, no replicas: the smallest log, and no processes that wait for standbys.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '512MB',
  // Reads come from memory; three I/O processes would only sit there.
  io_method: 'sync',
  random_page_cost: '1.1',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
} as const

/** Given at every start, over what postgresql.conf says: the promises Slipway makes rest on them. */
export const REQUIRED_SETTINGS = {
  listen_addresses: '',
  port: '5432',
  unix_socket_permissions: '0700',
  // An answered webhook is on disk (I1): durability is never traded for speed.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  logging_collector: 'off',
} as const
