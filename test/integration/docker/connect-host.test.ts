import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import tls from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectDockerHost } from '../../../src/docker/connect-host.ts'
import type { DockerHost } from '../../../src/docker/connect-host.ts'
import { engineFailure } from '../../../src/docker/engine-error.ts'
import { describeHost, pingHost } from '../../../src/docker/host-info.ts'
import { startSshd } from './sshd.ts'
import type { Sshd } from './sshd.ts'

const SOCKET = '/var/run/docker.sock'

async function failureOf(work: Promise<unknown>) {
  return work.then(() => undefined, engineFailure)
}

describe('a Docker host on a unix socket', () => {
  let host: DockerHost
  beforeAll(() => {
    host = connectDockerHost({ name: 'local', endpoint: `unix://${SOCKET}` })
  })
  afterAll(() => host.close())

  it('tells its platform, BuildKit and runtimes', async () => {
    const info = await describeHost(host)
    expect(info.platform).toMatch(/^linux\/(amd64|arm64)$/)
    expect(info).toMatchObject({ buildkit: true, runtimes: expect.arrayContaining(['runc']) })
  })

  it('says apart what is missing, what conflicts and what it refuses', async () => {
    expect(
      await failureOf(host.engine.call({ method: 'GET', path: '/containers/slipway-no-such/json' })),
    ).toMatchObject({ kind: 'not_found' })
    expect(
      await failureOf(host.engine.call({ method: 'POST', path: '/containers/create', body: { Image: '' } })),
    ).toMatchObject({ kind: 'refused', status: 400 })
  })

  it('is not led astray by DOCKER_HOST of our own environment', async () => {
    process.env['DOCKER_HOST'] = 'tcp://203.0.113.1:2376'
    const other = connectDockerHost({ name: 'local', endpoint: SOCKET })
    delete process.env['DOCKER_HOST']
    await pingHost(other.engine)
    other.close()
  })
})

describe('a Docker host that does not answer', () => {
  it('is unreachable when nothing listens', async () => {
    const host = connectDockerHost({ name: 'gone', endpoint: 'unix:///nonexistent/docker.sock' })
    expect(await failureOf(pingHost(host.engine))).toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('gone'),
    })
  })

  it('is unreachable when it accepts and stays silent', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-silent-'))
    const silent = createServer().listen(join(folder, 's'))
    await once(silent, 'listening')
    const host = connectDockerHost({ name: 'silent', endpoint: `unix://${folder}/s` })
    const failure = await failureOf(host.engine.call({ method: 'GET', path: '/_ping' }, { timeoutMs: 50 }))
    expect(failure).toMatchObject({ kind: 'unreachable', message: expect.stringContaining('no answer within 0.05 s') })
    host.close()
    silent.close()
    rmSync(folder, { recursive: true })
  })

  it('lets a caller give up', async () => {
    const host = connectDockerHost({ name: 'local', endpoint: `unix://${SOCKET}` })
    expect(
      await failureOf(host.engine.call({ method: 'GET', path: '/_ping' }, { signal: AbortSignal.abort() })),
    ).toMatchObject({ kind: 'cancelled' })
    host.close()
  })
})

describe('a Docker host over SSH', () => {
  let sshd: Sshd
  let host: DockerHost
  beforeAll(async () => {
    sshd = await startSshd()
    host = connectDockerHost({
      name: 'remote',
      endpoint: `ssh://${sshd.username}@127.0.0.1:${sshd.port}`,
      hostKey: sshd.hostKey,
      identity: sshd.identity,
    })
  })
  afterAll(async () => {
    host.close()
    await sshd.dispose()
  })

  it('answers thirty calls at once over one login', async () => {
    await Promise.all(Array.from({ length: 30 }, () => host.engine.call({ method: 'GET', path: '/containers/json' })))
    expect(await describeHost(host)).toMatchObject({ buildkit: true })
  })

  it('is used again after the connection broke', async () => {
    await pingHost(host.engine)
    await sshd.kill()
    expect(await failureOf(pingHost(host.engine))).toMatchObject({ kind: 'unreachable' })
    await sshd.start()
    await pingHost(host.engine)
  })

  it('is refused when it shows another key than the pinned one', async () => {
    const other = execFileSync('ssh-keygen', ['-y', '-f', sshd.identity], { encoding: 'utf8' })
    const impostor = connectDockerHost({
      name: 'impostor',
      endpoint: `ssh://${sshd.username}@127.0.0.1:${sshd.port}`,
      hostKey: other,
      identity: sshd.identity,
    })
    expect(await failureOf(pingHost(impostor.engine))).toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('another host key'),
    })
    impostor.close()
  })

  it('runs commands with their arguments as they are', async () => {
    const hostile = `$(touch pwned) 'quoted' "; rm -rf \n`
    const result = await host.shell?.exec(['printf', '%s', hostile])
    expect(result).toEqual({ exitCode: 0, output: hostile })
    expect(await host.shell?.exec(['sh', '-c', 'echo broken >&2; exit 3'])).toEqual({ exitCode: 3, output: 'broken\n' })
  })

  it('runs more commands at once than the server has sessions for', async () => {
    const results = await Promise.all(Array.from({ length: 15 }, async () => host.shell?.exec(['true'])))
    expect(results.map((result) => result?.exitCode)).toEqual(results.map(() => 0))
  })

  it('puts files in place whole', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-upload-'))
    await host.shell?.upload(join(folder, 'app.hvt'), Readable.from([Buffer.alloc(300_000, 7), Buffer.from('end')]))
    await host.shell?.upload(join(folder, 'app.hvt'), Readable.from([Buffer.from('second')]))
    expect(readFileSync(join(folder, 'app.hvt'), 'utf8')).toBe('second')
    rmSync(folder, { recursive: true })
  })
})

describe('a Docker host over TCP', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-tls-'))
  const at = (name: string): string => join(folder, name)
  let proxy: tls.Server
  let port = 0

  beforeAll(async () => {
    const openssl = (...argv: string[]) => execFileSync('openssl', argv, { cwd: folder, stdio: 'ignore' })
    for (const ca of ['ca', 'other-ca']) {
      openssl(
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
        '-subj',
        `/CN=${ca}`,
        '-keyout',
        `${ca}.key`,
        '-out',
        `${ca}.pem`,
      )
    }
    for (const [name, ca] of [
      ['server', 'ca'],
      ['client', 'ca'],
      ['stranger', 'other-ca'],
    ] as const) {
      openssl(
        'req',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-subj',
        `/CN=${name}`,
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
      )
      openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        `${ca}.pem`,
        '-CAkey',
        `${ca}.key`,
        '-CAcreateserial',
        '-days',
        '1',
        '-copy_extensions',
        'copy',
        '-out',
        `${name}.pem`,
      )
    }
    // Docker's own TLS listener would need a daemon of its own; what is tested is our side of the handshake.
    proxy = tls.createServer(
      {
        cert: readFileSync(at('server.pem')),
        key: readFileSync(at('server.key')),
        ca: readFileSync(at('ca.pem')),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (socket) => {
        const docker = connect(SOCKET)
        socket.pipe(docker).pipe(socket)
        socket.on('error', () => docker.destroy())
        docker.on('error', () => socket.destroy())
      },
    )
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const address = proxy.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
  })
  afterAll(() => {
    proxy.close()
    rmSync(folder, { recursive: true })
  })

  const overTls = (client: string, ca: string) =>
    connectDockerHost({
      name: 'tls',
      endpoint: `tcp://127.0.0.1:${port}`,
      tls: { ca: at(`${ca}.pem`), cert: at(`${client}.pem`), key: readFileSync(at(`${client}.key`), 'utf8') },
    })

  it('answers a client whose certificate it knows', async () => {
    const host = overTls('client', 'ca')
    await Promise.all(Array.from({ length: 30 }, () => pingHost(host.engine)))
    host.close()
  })

  it.each([
    ['a client that the server does not know', 'stranger', 'ca'],
    ['a server that another authority vouches for', 'client', 'other-ca'],
  ])('is unreachable for %s', async (_case, client, ca) => {
    const host = overTls(client, ca)
    expect(await failureOf(pingHost(host.engine))).toMatchObject({ kind: 'unreachable' })
    host.close()
  })

  it('is refused without certificates', () => {
    expect(() => connectDockerHost({ name: 'open', endpoint: 'tcp://127.0.0.1:2375' })).toThrow('needs tls')
  })
})
