/**
 * Makes a fresh machine ready: npm's packages, git, a Docker Engine, a base image, and for the tests some extras. Plain
 * Node, because it runs before `node_modules` exists. Every step looks first whether there is anything to do, so that a
 * second run costs next to nothing, and only one set-up works at a time on a machine.
 */
import { chromium, namespaces, postgres, registry, sshd } from './debian-extras.mjs'
import { installDependencies } from './dependencies.mjs'
import { provideEngine } from './engine.mjs'
import { provideGit } from './git.mjs'
import { provideBaseImage } from './images/base-image.mjs'
import { provideErlangImage } from './images/erlang-image.mjs'
import { provideHaproxyImage } from './images/haproxy-image.mjs'
import { provideNodeImage } from './images/node-image.mjs'
import { withLock } from './lock.mjs'
import { readSettings } from './settings.mjs'
import { SetUpError } from './set-up-error.mjs'

const EXTRAS = {
  'haproxy-image': provideHaproxyImage,
  'node-image': provideNodeImage,
  chromium,
  postgres,
  registry,
  sshd,
  namespaces,
  'erlang-image': provideErlangImage,
}

/** The names of the extras. */
export const FEATURES = Object.keys(EXTRAS)

/**
 * Ends the process with one line when something that is needed cannot be had. With `optional`, an extra that cannot be
 * had is only told.
 */
export async function setUp({ announce, features, optional = false }) {
  try {
    await withLock({ announce }, () => provideAll({ announce, features, optional }))
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error
    announce(error.message)
    process.exit(1)
  }
}

async function provideAll({ announce, features, optional }) {
  await installDependencies({ announce })
  const settings = await readSettings()
  await provideGit({ announce })
  const engine = await provideEngine({ announce, ...settings })
  await provideBaseImage({ announce, engine })
  for (const name of features) {
    try {
      await EXTRAS[name]({ announce, engine, ...settings })
    } catch (error) {
      if (!optional) throw error
      announce(`${name} cannot be had here: ${error.message}`)
    }
  }
}
