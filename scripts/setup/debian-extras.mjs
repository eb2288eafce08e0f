/** Programs that only tests use, straight from the distribution. */
import { existsSync, readdirSync } from 'node:fs'
import { install } from './debian.mjs'
import { which } from './run.mjs'

export async function chromium({ announce }) {
  if (which('chromium') !== undefined) return
  await install({ announce, why: 'the pages are tested in a browser', packages: ['chromium'] })
}

export async function postgres({ announce }) {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : []
  if (versions.length > 0) return
  await install({ announce, why: 'DATABASE_URL is tested with a server of its own', packages: ['postgresql'] })
}

export async function registry({ announce }) {
  if (which('docker-registry') !== undefined) return
  await install({ announce, why: 'publishing is tested with a registry', packages: ['docker-registry'] })
}

export async function sshd({ announce }) {
  if (which('sshd') !== undefined) return
  await install({ announce, why: 'hosts over SSH are tested', packages: ['openssh-server', 'openssh-client'] })
}

/** A second Docker Engine for the tests lives in a network namespace of its own. */
export async function namespaces({ announce }) {
  if (which('ip') !== undefined && which('nsenter') !== undefined && which('iptables') !== undefined) return
  const packages = ['iproute2', 'util-linux', 'iptables']
  await install({ announce, why: 'a second Docker Engine is tested', packages })
}
