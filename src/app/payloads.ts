/**
 * The parts of GitHub's payloads that Slipway reads, and nothing more: parsed once, at the door. A payload that lacks
 * one of them is not understood and its delivery says so.
 */
import { z } from 'zod'

const login = z.object({ login: z.string() })
const sender = { sender: login.nullish() }
const installation = { installation: z.object({ id: z.number() }) }

export const repositoryPart = z.object({
  id: z.number(),
  name: z.string(),
  full_name: z.string(),
  private: z.boolean(),
  default_branch: z.string().default('main'),
  clone_url: z.string(),
  html_url: z.string(),
})
const inRepository = { repository: repositoryPart, ...installation, ...sender }

/** Parts of repositories in installation events have only these. */
const shortRepository = z.object({ id: z.number(), full_name: z.string(), private: z.boolean().default(true) })

const pullRequestPart = z.object({
  number: z.number(),
  title: z.string(),
  draft: z.boolean().default(false),
  merged: z.boolean().nullish(),
  user: login.nullish(),
  head: z.object({
    sha: z.string(),
    ref: z.string(),
    repo: z.object({ id: z.number(), full_name: z.string() }).nullish(),
  }),
  base: z.object({ sha: z.string(), ref: z.string() }),
})

export const pushPayload = z.object({
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  created: z.boolean(),
  deleted: z.boolean(),
  forced: z.boolean(),
  head_commit: z.object({ id: z.string(), tree_id: z.string(), message: z.string() }).nullish(),
  ...inRepository,
})

export const refPayload = z.object({ ref: z.string(), ref_type: z.string(), ...inRepository })

export const pullRequestPayload = z.object({ action: z.string(), pull_request: pullRequestPart, ...inRepository })

const appPart = z.object({ id: z.number() }).nullish()

export const checkRunPayload = z.object({
  action: z.string(),
  check_run: z.object({ head_sha: z.string(), external_id: z.string().nullish(), app: appPart }),
  requested_action: z.object({ identifier: z.string() }).nullish(),
  ...inRepository,
})

export const checkSuitePayload = z.object({
  action: z.string(),
  check_suite: z.object({ head_sha: z.string(), app: appPart }),
  ...inRepository,
})

export const mergeGroupPayload = z.object({
  action: z.string(),
  merge_group: z.object({ head_sha: z.string(), head_ref: z.string(), base_sha: z.string(), base_ref: z.string() }),
  ...inRepository,
})

export const workflowRunPayload = z.object({
  action: z.string(),
  workflow_run: z.object({ id: z.number(), run_number: z.number(), updated_at: z.string().nullish() }),
  ...inRepository,
})

export const installationPayload = z.object({
  action: z.string(),
  installation: z.object({
    id: z.number(),
    account: login.nullish(),
    permissions: z.record(z.string(), z.string()).default({}),
  }),
  repositories: z.array(shortRepository).default([]),
})

export const installationRepositoriesPayload = z.object({
  installation: z.object({ id: z.number() }),
  repositories_added: z.array(shortRepository).default([]),
  repositories_removed: z.array(z.object({ id: z.number(), full_name: z.string() })).default([]),
})

export const repositoryPayload = z.object({ action: z.string(), ...inRepository })
