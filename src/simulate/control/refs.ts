/** Commits, branches and tags, as if pushed. */
import { findCommit } from '../git/commits.ts'
import { deleteRef, updateRef, writeTagObject } from '../git/merge-commits.ts'
import { writeCommit } from '../git/write-commit.ts'
import type { Json } from '../json.ts'
import { child, text, texts } from '../json.ts'
import { refuse } from '../rest/answer.ts'
import { changeRefs } from '../webhooks/change-refs.ts'
import type { Repository } from '../world/repositories.ts'
import type { ControlCall, ControlRoute } from './control-route.ts'
import { needRepository, needText, senderOf } from './control-route.ts'
import { readFiles } from './read-files.ts'

export const refRoutes: readonly ControlRoute[] = [
  { method: 'PUT', path: '/repos/:owner/:name/commits', answer: (call) => commit(call) },
  {
    method: 'POST',
    path: '/repos/:owner/:name/branches',
    answer: async (call) => {
      const repository = needRepository(call)
      const sha = await commitFrom(call, repository)
      await changeRefs(call.world, repository, senderOf(call, repository), () =>
        updateRef(repository, `refs/heads/${needText(call, 'name')}`, sha),
      )
      return { sha }
    },
  },
  { method: 'DELETE', path: '/repos/:owner/:name/branches', answer: (call) => remove(call, 'refs/heads/') },
  { method: 'POST', path: '/repos/:owner/:name/tags', answer: (call) => tag(call) },
  { method: 'DELETE', path: '/repos/:owner/:name/tags', answer: (call) => remove(call, 'refs/tags/') },
]

async function commit(call: ControlCall): Promise<Json> {
  const { world, body } = call
  const repository = needRepository(call)
  const sender = senderOf(call, repository)
  const branch = needText(call, 'branch')
  const author = child(body, 'author') ?? {}
  const sha = await changeRefs(world, repository, sender, async () => {
    const head =
      repository.refs.get(`refs/heads/${branch}`) ?? repository.refs.get(`refs/heads/${repository.defaultBranch}`)
    const asked = text(body, 'parent')
    const parent = asked === undefined ? head?.commit : (await findCommit(repository, asked))?.sha
    return writeCommit(repository, {
      branch,
      parent,
      message: text(body, 'message') ?? 'Change',
      author: {
        name: text(author, 'name') ?? sender.name,
        email: text(author, 'email') ?? sender.email,
        date: text(author, 'date') ?? world.now().toISOString(),
      },
      files: readFiles(child(body, 'files') ?? {}),
    })
  })
  return { sha }
}

async function tag(call: ControlCall): Promise<Json> {
  const repository = needRepository(call)
  const names = texts(call.body, 'names') ?? [needText(call, 'name')]
  const sha = await commitFrom(call, repository)
  const message = text(call.body, 'message')
  await changeRefs(call.world, repository, senderOf(call, repository), async () => {
    for (const name of names) {
      const target =
        message === undefined ? sha : await writeTagObject(repository, name, sha, message, call.world.now())
      await updateRef(repository, `refs/tags/${name}`, target)
    }
  })
  return { sha }
}

async function remove(call: ControlCall, prefix: string): Promise<Json> {
  const repository = needRepository(call)
  await changeRefs(call.world, repository, senderOf(call, repository), () =>
    deleteRef(repository, `${prefix}${needText(call, 'name')}`),
  )
  return {}
}

async function commitFrom(call: ControlCall, repository: Repository): Promise<string> {
  const from = text(call.body, 'from') ?? repository.defaultBranch
  const found = await findCommit(repository, from)
  if (found === undefined) throw refuse(422, `there is no ${from}`)
  return found.sha
}
