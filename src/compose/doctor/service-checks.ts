/** What Slipway uses only where it is set: mail, Slack, S3; and who the admins are. */
import { connect } from 'node:net'
import { parseS3Url } from '../../blobs/s3-address.ts'
import { createS3BlobStore } from '../../blobs/s3-blob-store.ts'
import { failed, ok, skipped, warning, type DoctorCheck, type Finding } from '../../cli/doctor-check.ts'
import { reveal } from '../../core/secret.ts'
import { join } from 'node:path'
import type { Findings } from './findings.ts'

const SMTP_PORT = 25
const SMTPS_PORT = 465
const CONNECT_TIMEOUT_MS = 5_000
/** Of nothing; asking for it shows whether the bucket answers. */
const SOME_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

export function serviceChecks({ settings, server }: Findings): readonly DoctorCheck[] {
  if (settings === null) return []
  return [
    {
      name: 'mail',
      fix: 'Correct SMTP_URL: host, port, and what the firewall allows.',
      async look() {
        if (settings.smtpUrl === null) return skipped('SMTP_URL is not set')
        if (settings.mailFrom === null)
          return failed('MAIL_FROM is not set', 'Set MAIL_FROM to the address that mail comes from.')
        const { protocol, hostname, port } = new URL(reveal(settings.smtpUrl))
        return await reachable(hostname, port === '' ? (protocol === 'smtps:' ? SMTPS_PORT : SMTP_PORT) : Number(port))
      },
    },
    {
      name: 'storage',
      fix: 'Correct S3_URL: endpoint, bucket and keys.',
      async look() {
        if (settings.s3Url === null) return ok('files in DATA_DIR')
        const store = createS3BlobStore(parseS3Url(reveal(settings.s3Url)), join(settings.dataDir, 'spool'))
        await store.exists(SOME_SHA256)
        return ok('the bucket answers')
      },
    },
    {
      name: 'admins',
      fix: 'Name GitHub logins under `admins` in server.yml.',
      look: () => Promise.resolve(admins(server?.admins ?? [])),
    },
  ]
}

function admins(logins: readonly string[]): Finding {
  return logins.length === 0
    ? warning('nobody; only the admin token may change anything', 'Name GitHub logins under `admins` in server.yml.')
    : ok(logins.join(', '))
}

function reachable(host: string, port: number): Promise<Finding> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS })
    socket.once('connect', () => {
      socket.destroy()
      resolve(ok(`${host}:${port} answers`))
    })
    socket.once('timeout', () => socket.destroy(new Error(`${host}:${port} does not answer`)))
    socket.once('error', reject)
  })
}
