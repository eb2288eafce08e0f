import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unpack, withLibraries } from '../debian.mjs'
import { provideImage } from './image.mjs'
import { layBusybox, layProgram, PATH } from './root-file-system.mjs'

/** `haproxy:lts`: the proxy in front of container services. */
export async function provideHaproxyImage({ announce, engine }) {
  await provideImage({
    announce,
    engine,
    name: 'haproxy:lts',
    recipe: '1',
    changes: [
      'CMD ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]',
      'WORKDIR /var/lib/haproxy',
      `ENV PATH=${PATH}`,
    ],
    fill: layHaproxy,
  })
}

async function layHaproxy(directory) {
  await layBusybox(directory, { accounts: ['haproxy:x:99:99::/var/lib/haproxy:/bin/false'], groups: ['haproxy:x:99:'] })
  mkdirSync(join(directory, 'usr/local/etc/haproxy'), { recursive: true })
  mkdirSync(join(directory, 'var/lib/haproxy'), { recursive: true })
  const packages = mkdtempSync(join(tmpdir(), 'slipway-haproxy-'))
  try {
    await unpack({ packages: await withLibraries('haproxy'), directory: packages })
    const program = join(packages, 'usr/sbin/haproxy')
    await layProgram(directory, { program, as: 'usr/local/sbin/haproxy', from: packages })
  } finally {
    rmSync(packages, { recursive: true })
  }
}
