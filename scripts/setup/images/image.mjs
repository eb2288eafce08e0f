/** An image by name: what is there stays, else a registry is asked, else it is made from what this machine has. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Marks what the set-up made itself, with a version of the recipe. */
export const RECIPE_LABEL = 'slipway.recipe'

/** A registry that did not answer once is not asked again by the same set-up. */
let registryIsSilent = false

/**
 * `fill(directory)` writes the root file system of the image. `pull: false` for names that exist nowhere else; such an
 * image is made again when `recipe` has changed.
 */
export async function provideImage({ announce, engine, name, recipe, changes, fill, pull = true }) {
  const [repository, tag] = name.split(':')
  const found = await engine.inspectImage(name)
  const made = found?.Config?.Labels?.[RECIPE_LABEL]
  if (found !== undefined && (made === undefined || made === recipe)) return

  if (pull && !registryIsSilent) {
    announce(`pulling the image ${name}`)
    if (await engine.pull(repository, tag)) return
    registryIsSilent = true
  }
  announce(`making the image ${name} from packages of this machine's distribution`)
  const directory = mkdtempSync(join(tmpdir(), 'slipway-image-'))
  try {
    await fill(directory)
    const pack = spawn('tar', ['-C', directory, '--numeric-owner', '--owner=0', '--group=0', '-c', '.'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const labelled = [...changes, `LABEL ${RECIPE_LABEL}=${recipe}`]
    await engine.importTar({ repository, tag, changes: labelled, tar: pack.stdout })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
