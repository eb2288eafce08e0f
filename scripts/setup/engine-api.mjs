/** The few words of the Docker Engine API that the set-up needs, over a socket or TCP. */
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'

/** An Engine that is there answers a ping at once. */
const PING_LIMIT_MS = 5_000
/** A registry that is there says something within this time; afterwards the pull is given up. */
const REGISTRY_SILENCE_MS = 10_000

/** Undefined for an address that only the docker command understands (ssh://). */
export function engineAt(dockerHost) {
  const target = parseAddress(dockerHost)
  if (target === undefined) return undefined
  return {
    dockerHost,
    ping: () => ask(target, { path: '/_ping', limit: PING_LIMIT_MS }).then(isOk, () => false),
    inspectImage: async (name) => {
      const { status, text } = await ask(target, { path: `/images/${encodeURIComponent(name)}/json` })
      return status === 200 ? JSON.parse(text) : undefined
    },
    /** Whether a registry gave the image. */
    pull: (repository, tag) => {
      const query = new URLSearchParams({ fromImage: repository, tag })
      return ask(target, { method: 'POST', path: `/images/create?${query}`, limit: REGISTRY_SILENCE_MS }).then(
        (answer) => isOk(answer) && !answer.text.includes('"error"'),
        () => false,
      )
    },
    /** Makes an image of one layer from a stream of tar. */
    importTar: async ({ repository, tag, changes, tar }) => {
      const query = new URLSearchParams({ fromSrc: '-', repo: repository, tag })
      for (const change of changes) query.append('changes', change)
      const answer = await ask(target, { method: 'POST', path: `/images/create?${query}`, body: tar })
      if (!isOk(answer) || answer.text.includes('"error"')) throw new Error(`docker import failed: ${answer.text}`)
    },
  }
}

function isOk({ status }) {
  return status === 200
}

function parseAddress(dockerHost) {
  if (dockerHost.startsWith('/')) return { send: httpRequest, options: { socketPath: dockerHost } }
  const url = new URL(dockerHost)
  if (url.protocol === 'unix:') return { send: httpRequest, options: { socketPath: url.pathname } }
  const options = { host: url.hostname, port: url.port }
  if (url.protocol !== 'tcp:' && url.protocol !== 'http:' && url.protocol !== 'https:') return undefined
  const { DOCKER_TLS_VERIFY: verify, DOCKER_CERT_PATH: certificates } = process.env
  if (!verify || !certificates) return { send: url.protocol === 'https:' ? httpsRequest : httpRequest, options }
  const read = (name) => readFileSync(join(certificates, name))
  return {
    send: httpsRequest,
    options: { ...options, ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') },
  }
}

/** `limit` counts silence, not the whole: an answer that keeps coming may take as long as it needs. */
function ask({ send, options }, { method = 'GET', path, body, limit = 0 }) {
  return new Promise((settle, fail) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/x-tar' }
    const request = send({ ...options, method, path, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part) => (text += part))
      response.on('end', () => settle({ status: response.statusCode, text }))
      response.on('error', fail)
    })
    request.on('error', fail)
    if (limit > 0) request.setTimeout(limit, () => request.destroy(new Error('no answer')))
    if (body === undefined) request.end()
    else body.pipe(request)
  })
}
