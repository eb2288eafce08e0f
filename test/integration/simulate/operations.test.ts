import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { servedOperations } from '../../../src/simulate/openapi/served-operations.ts'
import type { SimulatedApp } from './simulated-app.ts'
import { startSimulatedApp } from './simulated-app.ts'

describe('the simulated REST API', () => {
  let simulated: SimulatedApp
  let first: string
  let second: string
  const at = { owner: 'acme', repo: 'shop' }
  const fullName = 'acme/shop'

  beforeAll(async () => {
    simulated = await startSimulatedApp()
    const { control } = simulated
    await control.createUser('acme', { type: 'Organization', owners: ['alice'] })
    const made = await control.createRepository({
      owner: 'acme',
      name: 'shop',
      files: { 'README.md': 'hello\n', 'src/app.js': '1\n2\n' },
      user: 'alice',
    })
    first = made.head ?? ''
    second = await control.commit(fullName, {
      branch: 'work',
      files: { 'src/app.js': '1\n3\n', 'src/new.js': 'x\n', 'README.md': null },
      user: 'alice',
    })
    await control.tag(fullName, 'v1', { from: 'work', message: 'first version' })
    await control.openPullRequest(fullName, { head: 'work', title: 'Work', user: 'bob' })
  })
  afterAll(() => simulated.close())

  it('answers every operation it serves in the published shape', async () => {
    const { app, control, github } = simulated
    const octokit = await simulated.installed('acme')
    const { rest } = octokit
    const { data: installations } = await app.rest.apps.listInstallations()
    const installation_id = installations[0]?.id ?? 0

    await app.rest.apps.getAuthenticated()
    await app.rest.apps.getWebhookConfigForApp()
    // A parameter named "url" would be taken for the request's own address.
    await app.request('PATCH /app/hook/config', { data: { url: simulated.receiver.url } })
    await app.rest.apps.getInstallation({ installation_id })
    await app.rest.apps.getOrgInstallation({ org: 'acme' })
    await app.rest.apps.getRepoInstallation(at)
    await expect(app.rest.apps.getUserInstallation({ username: 'alice' })).rejects.toMatchObject({ status: 404 })
    await control.delivered()
    const { data: deliveries } = await app.rest.apps.listWebhookDeliveries({ per_page: 2 })
    await app.rest.apps.getWebhookDelivery({ delivery_id: deliveries[0]?.id ?? 0 })
    await app.rest.apps.redeliverWebhookDelivery({ delivery_id: deliveries[0]?.id ?? 0 })
    await rest.apps.listReposAccessibleToInstallation()

    const { data: run } = await rest.checks.create({
      ...at,
      name: 'one',
      head_sha: second,
      output: {
        title: 't',
        summary: 's',
        annotations: [{ path: 'a', start_line: 1, end_line: 1, annotation_level: 'failure', message: 'm' }],
      },
    })
    await rest.checks.update({ ...at, check_run_id: run.id, conclusion: 'failure' })
    await rest.checks.get({ ...at, check_run_id: run.id })
    await rest.checks.listAnnotations({ ...at, check_run_id: run.id })
    await rest.checks.rerequestRun({ ...at, check_run_id: run.id })
    await rest.checks.listForRef({ ...at, ref: 'work' })
    const check_suite_id = run.check_suite?.id ?? 0
    await rest.checks.listForSuite({ ...at, check_suite_id })
    await rest.checks.getSuite({ ...at, check_suite_id })
    await rest.checks.rerequestSuite({ ...at, check_suite_id })
    await rest.checks.createSuite({ ...at, head_sha: second })
    await rest.checks.listSuitesForRef({ ...at, ref: second })

    await rest.git.getRef({ ...at, ref: 'heads/work' })
    const { data: tags } = await rest.git.listMatchingRefs({ ...at, ref: 'tags/' })
    const { data: tag } = await rest.git.getTag({ ...at, tag_sha: tags[0]?.object.sha ?? '' })
    expect(tag).toMatchObject({ tag: 'v1', message: 'first version', object: { sha: second } })
    await rest.git.getCommit({ ...at, commit_sha: second })
    const { data: tree } = await rest.git.getTree({ ...at, tree_sha: second, recursive: 'true' })
    expect(tree.tree.map(({ path }) => path)).toEqual(['src', 'src/app.js', 'src/new.js'])
    const { data: blob } = await rest.git.getBlob({ ...at, file_sha: tree.tree[1]?.sha ?? '' })
    expect(Buffer.from(blob.content, 'base64').toString()).toBe('1\n3\n')

    expect((await rest.repos.get(at)).data).toMatchObject({
      full_name: fullName,
      clone_url: `${github.url}/acme/shop.git`,
      default_branch: 'main',
    })
    await octokit.request('GET /repositories/{id}', { id: (await rest.repos.get(at)).data.id })
    await rest.repos.listBranches(at)
    await rest.repos.getBranch({ ...at, branch: 'work' })
    await rest.repos.listTags(at)
    expect((await rest.repos.listCommits({ ...at, sha: 'work' })).data.map(({ sha }) => sha)).toEqual([second, first])
    await rest.repos.getCommit({ ...at, ref: 'work' })
    await rest.repos.listPullRequestsAssociatedWithCommit({ ...at, commit_sha: second })
    await rest.repos.listBranchesForHeadCommit({ ...at, commit_sha: second })
    const { data: comparison } = await rest.repos.compareCommitsWithBasehead({ ...at, basehead: 'main...work' })
    expect(comparison).toMatchObject({ status: 'ahead', ahead_by: 1, behind_by: 0, merge_base_commit: { sha: first } })
    expect(comparison.files?.map(({ filename, status, changes }) => [filename, status, changes])).toEqual([
      ['README.md', 'removed', 1],
      ['src/app.js', 'modified', 2],
      ['src/new.js', 'added', 1],
    ])
    await rest.repos.getContent({ ...at, path: '' })
    await rest.repos.getContent({ ...at, path: 'src', ref: 'work' })
    await rest.repos.getContent({ ...at, path: 'src/app.js' })
    expect((await rest.repos.getContent({ ...at, path: 'src/app.js', mediaType: { format: 'raw' } })).data).toBe(
      '1\n2\n',
    )
    await expect(rest.repos.getContent({ ...at, path: 'README.md', ref: 'work' })).rejects.toMatchObject({
      status: 404,
    })
    await rest.repos.downloadTarballArchive({ ...at, ref: second })
    await rest.repos.downloadZipballArchive({ ...at, ref: 'work' })

    await rest.pulls.list({ ...at, head: 'acme:work' })
    expect((await rest.pulls.get({ ...at, pull_number: 1 })).data).toMatchObject({
      mergeable: true,
      commits: 1,
      changed_files: 3,
      user: { login: 'bob' },
    })
    await rest.pulls.listFiles({ ...at, pull_number: 1 })
    await rest.pulls.listCommits({ ...at, pull_number: 1 })

    const { data: deployment } = await rest.repos.createDeployment({
      ...at,
      ref: second,
      auto_merge: false,
      required_contexts: [],
      environment: 'staging',
    })
    if (!('id' in deployment)) throw new Error('no deployment was made')
    const deployment_id = deployment.id
    const { data: status } = await rest.repos.createDeploymentStatus({
      ...at,
      deployment_id,
      state: 'in_progress',
      log_url: 'http://localhost/log',
    })
    await rest.repos.listDeployments({ ...at, environment: 'staging' })
    await rest.repos.getDeployment({ ...at, deployment_id })
    await rest.repos.listDeploymentStatuses({ ...at, deployment_id })
    await rest.repos.getDeploymentStatus({ ...at, deployment_id, status_id: status.id })
    await rest.repos.getAllEnvironments(at)
    await rest.repos.getEnvironment({ ...at, environment_name: 'staging' })
    await rest.repos.deleteDeployment({ ...at, deployment_id })

    await rest.repos.createCommitStatus({ ...at, sha: second, state: 'success', context: 'lint' })
    await rest.repos.listCommitStatusesForRef({ ...at, ref: 'work' })
    expect((await rest.repos.getCombinedStatusForRef({ ...at, ref: second })).data).toMatchObject({
      state: 'success',
      total_count: 1,
    })

    await control.setCollaborator(fullName, 'bob', 'maintain')
    expect((await rest.repos.getCollaboratorPermissionLevel({ ...at, username: 'bob' })).data).toMatchObject({
      permission: 'write',
      role_name: 'maintain',
    })
    expect((await rest.repos.getCollaboratorPermissionLevel({ ...at, username: 'alice' })).data.permission).toBe(
      'admin',
    )
    await rest.repos.listCollaborators(at)
    await rest.orgs.get({ org: 'acme' })
    await rest.orgs.getMembershipForUser({ org: 'acme', username: 'alice' })
    await rest.users.getByUsername({ username: 'bob' })
    await rest.rateLimit.get()

    const workflow = await control.startWorkflowRun(fullName)
    await rest.actions.getWorkflowRun({ ...at, run_id: workflow.id })
    await rest.actions.listWorkflowRunsForRepo(at)

    const { problems, warnings, operations } = await control.report()
    expect(problems).toEqual([])
    expect(warnings).toEqual({})
    const untried = servedOperations.filter((operation) => operations[operation] === undefined)
    expect(untried.sort()).toEqual([
      'apps/create-from-manifest',
      'apps/delete-installation',
      'apps/list-installation-repos-for-authenticated-user',
      'apps/list-installations-for-authenticated-user',
      'apps/revoke-installation-access-token',
      'apps/suspend-installation',
      'apps/unsuspend-installation',
      'git/create-ref',
      'git/delete-ref',
      'git/update-ref',
      'repos/create-or-update-file-contents',
      'users/get-authenticated',
    ])
  })

  it('moves refs and writes files for a token with that right, and for no other', async () => {
    const { control } = simulated
    const weak = await simulated.installed('acme')
    await expect(weak.rest.git.createRef({ ...at, ref: 'refs/heads/x', sha: first })).rejects.toMatchObject({
      status: 403,
      response: { headers: { 'x-accepted-github-permissions': 'contents=write' } },
    })
    const { data: installations } = await simulated.app.rest.apps.listInstallations()
    await control.changeInstallation(installations[0]?.id ?? 0, 'permissions', {
      permissions: { contents: 'write', checks: 'write', deployments: 'write' },
    })
    const { rest } = await simulated.installed('acme')
    await rest.git.createRef({ ...at, ref: 'refs/heads/x', sha: first })
    await rest.git.updateRef({ ...at, ref: 'heads/x', sha: second })
    await expect(rest.git.updateRef({ ...at, ref: 'heads/x', sha: first })).rejects.toMatchObject({ status: 422 })
    await rest.git.deleteRef({ ...at, ref: 'heads/x' })
    await rest.repos.createOrUpdateFileContents({
      ...at,
      path: 'new.txt',
      message: 'new',
      content: Buffer.from('n').toString('base64'),
      branch: 'work',
    })
    expect((await rest.repos.getContent({ ...at, path: 'new.txt', ref: 'work' })).data).toMatchObject({ size: 1 })
    expect((await control.report()).problems).toMatchObject([{ kind: 'permission', operation: 'git/create-ref' }])
  })

  it('does not deploy over failing checks, marks older deployments inactive, and reports auto_merge', async () => {
    const { rest } = await simulated.installed('acme')
    await rest.checks.create({ ...at, name: 'red', head_sha: first, conclusion: 'failure' })
    await expect(rest.repos.createDeployment({ ...at, ref: first, auto_merge: false })).rejects.toMatchObject({
      status: 409,
    })
    const deploy = async (): Promise<number> => {
      const { data } = await rest.repos.createDeployment({
        ...at,
        ref: first,
        required_contexts: [],
        environment: 'qa',
      })
      if (!('id' in data)) throw new Error('no deployment was made')
      await rest.repos.createDeploymentStatus({ ...at, deployment_id: data.id, state: 'success' })
      return data.id
    }
    const older = await deploy()
    await deploy()
    const { data: statuses } = await rest.repos.listDeploymentStatuses({ ...at, deployment_id: older })
    expect(statuses.map(({ state }) => state)).toEqual(['inactive', 'success'])
    expect((await simulated.control.report()).problems.filter(({ kind }) => kind === 'auto-merge')).toHaveLength(2)
  })

  it('pages lists, answers unchanged things 304, and counts the budget', async () => {
    const { control } = simulated
    const octokit = await simulated.installed('acme')
    for (const name of ['p1', 'p2', 'p3']) await control.createBranch(fullName, name)
    const names = await octokit.paginate(octokit.rest.repos.listBranches, { ...at, per_page: 2 })
    expect(names.map(({ name }) => name)).toEqual(expect.arrayContaining(['main', 'p1', 'p2', 'p3', 'work']))
    const { headers } = await octokit.rest.repos.get(at)
    await expect(
      octokit.rest.repos.get({ ...at, headers: { 'if-none-match': headers.etag ?? '' } }),
    ).rejects.toMatchObject({ status: 304 })
    await control.setRateLimit(1)
    await octokit.rest.repos.get(at)
    await expect(octokit.rest.repos.get(at)).rejects.toMatchObject({
      status: 403,
      response: { headers: { 'x-ratelimit-remaining': '0' } },
    })
    await control.setRateLimit(5_000)
  })

  it('hides private repositories, and sends those who use an old name to the new one', async () => {
    const { control } = simulated
    const made = await control.createRepository({
      owner: 'acme',
      name: 'secret',
      private: true,
      files: { a: 'a' },
      user: 'alice',
    })
    const { data: installations } = await simulated.app.rest.apps.listInstallations()
    const { data: narrow } = await simulated.app.rest.apps.createInstallationAccessToken({
      installation_id: installations[0]?.id ?? 0,
      repositories: ['shop'],
    })
    const ask = (name: string, token: string) =>
      fetch(`${simulated.github.apiUrl}/repos/acme/${name}`, {
        headers: { authorization: `Bearer ${token}`, 'user-agent': 'test' },
      })
    expect((await ask('secret', narrow.token)).status).toBe(404)
    await control.changeRepository('acme/secret', { name: 'hidden' })
    const octokit = await simulated.installed('acme')
    expect((await octokit.rest.repos.get({ owner: 'acme', repo: 'secret' })).data).toMatchObject({
      id: made.id,
      full_name: 'acme/hidden',
    })
  })
})
