/**
 * From a builder's name for a step back to the lines its author wrote, for annotations. The classic builder counts all
 * instructions of the file; BuildKit counts, within a stage, those that make a layer, and shows their text with the
 * arguments filled in.
 */
import { collapse } from './dockerfile-stages.ts'
import type { DockerfileInstruction, DockerfileOutline, DockerfileStage } from './dockerfile-stages.ts'

export interface DockerfileLines {
  readonly start: number
  readonly end: number
}

/** `number` counts from 1, as in "Step 3/7". */
export function locateClassicStep(outline: DockerfileOutline, number: number): DockerfileLines | undefined {
  return linesOf(outline.instructions[number - 1])
}

/** `name` as BuildKit shows it: `[build 2/5] RUN make`, `[3/3] COPY a b`, `[stage-1 1/2] ...`. */
export function locateBuildkitStep(outline: DockerfileOutline, name: string): DockerfileLines | undefined {
  const step = /^\[(?:(\S+) )?(\d+)\/(\d+)\] (.*)$/s.exec(name)
  if (step === null) return undefined
  const [, stageName, position, total, text = ''] = step
  const stage = findStage(outline, stageName)
  if (stage === undefined) return undefined
  const layers = layersOf(stage)
  if (layers.length === Number(total)) return linesOf(layers[Number(position) - 1])
  // The counts differ when a base image brings instructions of its own (ONBUILD); the text then decides.
  const wanted = collapse(text)
  return linesOf(layers.find((layer) => collapse(`${layer.keyword} ${layer.text}`) === wanted))
}

/** The FROM line that names an image. */
export function locateBaseImage(outline: DockerfileOutline, mentionedIn: string): DockerfileLines | undefined {
  const stage = outline.stages.find(
    ({ base, basedOnStage }) => !basedOnStage && base !== '' && mentionedIn.includes(base.split('@')[0] ?? base),
  )
  return linesOf(stage?.from)
}

function findStage(outline: DockerfileOutline, name: string | undefined): DockerfileStage | undefined {
  if (name === undefined) return outline.stages.length === 1 ? outline.stages[0] : outline.stages.at(-1)
  const numbered = /^stage-(\d+)$/.exec(name)?.[1]
  return (
    outline.stages.find((stage) => stage.name === name.toLowerCase()) ??
    (numbered === undefined ? undefined : outline.stages[Number(numbered)])
  )
}

const MAKES_A_LAYER = new Set(['RUN', 'COPY', 'ADD', 'WORKDIR'])

function layersOf(stage: DockerfileStage): readonly DockerfileInstruction[] {
  const layers = stage.instructions.filter((instruction) => MAKES_A_LAYER.has(instruction.keyword))
  return stage.basedOnStage ? layers : [stage.from, ...layers]
}

function linesOf(instruction: DockerfileInstruction | undefined): DockerfileLines | undefined {
  return instruction === undefined ? undefined : { start: instruction.startLine, end: instruction.endLine }
}
