/**
 * `slipway-test/erlang:25`: a small Debian with Erlang and the modules that the package client needs, made by
 * debootstrap. That takes minutes, so the tree is kept as a tar below DATA_DIR and a new Engine only imports it.
 */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { install, isRootOnDebian } from '../debian.mjs'
import { run, which } from '../run.mjs'
import { SetUpError } from '../set-up-error.mjs'
import { RECIPE_LABEL } from './image.mjs'

const REPOSITORY = 'slipway-test/erlang'
const TAG = '25'
const PYTHON = ['requests', 'git', 'appdirs', 'jinja2', 'tinydb', 'docopt', 'setuptools'].map(
  (name) => `python3-${name}`,
)
const PACKAGES = ['erlang-base', 'git', 'ca-certificates', 'make', 'python3', ...PYTHON]
const RECIPE = createHash('sha256').update(PACKAGES.join()).digest('hex').slice(0, 12)
/** Read only by people. */
const NOT_NEEDED = [
  './usr/share/doc',
  './usr/share/man',
  './usr/share/locale',
  './var/cache/apt',
  './var/lib/apt/lists',
]

export async function provideErlangImage({ announce, engine, dataDir }) {
  const found = await engine.inspectImage(`${REPOSITORY}:${TAG}`)
  if (found?.Config?.Labels?.[RECIPE_LABEL] === RECIPE) return
  const tar = join(dataDir, 'cache', `erlang-${RECIPE}.tar`)
  if (!existsSync(tar)) await makeTree({ announce, tar })
  announce(`importing the image ${REPOSITORY}:${TAG}`)
  const changes = ['CMD ["sh"]', 'ENV LANG=C.UTF-8', `LABEL ${RECIPE_LABEL}=${RECIPE}`]
  await engine.importTar({ repository: REPOSITORY, tag: TAG, changes, tar: createReadStream(tar) })
}

async function makeTree({ announce, tar }) {
  if (!isRootOnDebian()) throw new SetUpError('an image with Erlang can only be made by root on Debian')
  if (which('debootstrap') === undefined) {
    await install({ announce, why: 'an image with Erlang is needed', packages: ['debootstrap'] })
  }
  const { suite, mirror } = await distribution()
  announce('making a Debian with Erlang for the tests of packages (some minutes, once)')
  mkdirSync(join(tar, '..'), { recursive: true })
  const tree = mkdtempSync(join(tar, '..', 'erlang-'))
  try {
    await run('debootstrap', ['--variant=minbase', `--include=${PACKAGES.join()}`, suite, tree, mirror]).catch(
      (error) => {
        throw new SetUpError(`debootstrap failed: ${error.message}`)
      },
    )
    const draft = `${tar}.${process.pid}`
    await run('tar', [
      '-C',
      tree,
      '--numeric-owner',
      ...NOT_NEEDED.map((path) => `--exclude=${path}/*`),
      '-cf',
      draft,
      '.',
    ])
    renameSync(draft, tar)
  } finally {
    rmSync(tree, { recursive: true, force: true })
  }
}

/** The release and the mirror that this machine itself uses. */
async function distribution() {
  const listing = await run('apt-get', ['indextargets', '--format', '$(CODENAME) $(SUITE) $(SITE) $(REPO_URI)'])
  const codename = (await run('sh', ['-c', '. /etc/os-release && echo "$VERSION_CODENAME"'])).trim()
  for (const line of listing.split('\n')) {
    const [name, , , mirror] = line.split(' ')
    if (name === codename && mirror?.startsWith('http')) return { suite: codename, mirror }
  }
  throw new SetUpError('the sources of apt name no mirror to make an image from')
}
