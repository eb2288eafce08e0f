import { DockerfileParser } from 'dockerfile-ast'
import type { Instruction, From } from 'dockerfile-ast'

export interface DockerfileInstruction {
  readonly keyword: string
  /** Everything after the keyword, continued lines joined, blanks collapsed. */
  readonly text: string
  /** Lines from 1. */
  readonly startLine: number
  readonly endLine: number
}

export interface DockerfileStage {
  readonly name: string | undefined
  /** What FROM names, with the build arguments filled in where they are known. */
  readonly base: string
  /** FROM names an earlier stage or the empty image. */
  readonly basedOnStage: boolean
  readonly from: DockerfileInstruction
  /** Without FROM itself. */
  readonly instructions: readonly DockerfileInstruction[]
}

export interface DockerfileOutline {
  /** All instructions in order, those before the first FROM included; the classic builder counts these. */
  readonly instructions: readonly DockerfileInstruction[]
  readonly stages: readonly DockerfileStage[]
  /** The frontend named by a `# syntax=` line, which BuildKit fetches and runs instead of its own. */
  readonly syntax: string | undefined
}

export function outlineDockerfile(text: string, args: Readonly<Record<string, string>> = {}): DockerfileOutline {
  const dockerfile = DockerfileParser.parse(text)
  const variables = { ...defaultsOf(dockerfile.getInitialARGs().map((arg) => arg.getProperty())), ...args }
  const instructions = dockerfile.getInstructions().map(describe)
  const stages: DockerfileStage[] = []
  for (const instruction of dockerfile.getInstructions()) {
    const described = describe(instruction)
    if (described.keyword === 'FROM') {
      const base = fillIn(fromOf(dockerfile.getFROMs(), described.startLine)?.getImage() ?? '', variables)
      const name = fromOf(dockerfile.getFROMs(), described.startLine)?.getBuildStage()?.toLowerCase()
      const basedOnStage = base === 'scratch' || stages.some((stage) => stage.name === base.toLowerCase())
      stages.push({ name, base, basedOnStage, from: described, instructions: [] })
    } else {
      const stage = stages.pop()
      if (stage !== undefined) stages.push({ ...stage, instructions: [...stage.instructions, described] })
    }
  }
  const syntax = dockerfile.getDirectives().find((directive) => directive.getName().toLowerCase() === 'syntax')
  return { instructions, stages, syntax: syntax?.getValue() }
}

/** Images that a build fetches, each once: the bases of its stages. */
export function baseImages(outline: DockerfileOutline): readonly string[] {
  const bases = outline.stages.filter((stage) => !stage.basedOnStage && stage.base !== '' && !stage.base.includes('$'))
  return [...new Set(bases.map((stage) => stage.base))]
}

function describe(instruction: Instruction): DockerfileInstruction {
  const { start, end } = instruction.getRange()
  return {
    keyword: instruction.getKeyword(),
    text: collapse(instruction.getArgumentsContent() ?? ''),
    startLine: start.line + 1,
    endLine: end.line + 1,
  }
}

function fromOf(froms: readonly From[], startLine: number): From | undefined {
  return froms.find((from) => from.getRange().start.line + 1 === startLine)
}

function defaultsOf(
  properties: readonly ({ getName(): string; getValue(): string | null } | null)[],
): Record<string, string> {
  return Object.fromEntries(
    properties.flatMap((property) => (property?.getValue() ? [[property.getName(), property.getValue() ?? '']] : [])),
  )
}

/** `$NAME`, `${NAME}` and `${NAME:-default}`; what is not known stays as it is. */
function fillIn(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$(?:\{([A-Za-z_]\w*)(?::-([^}]*))?\}|([A-Za-z_]\w*))/g,
    (whole: string, braced?: string, fallback?: string, bare?: string) => {
      return variables[braced ?? bare ?? ''] ?? fallback ?? whole
    },
  )
}

/** One line with single blanks, which is how builders and authors agree on a text. */
export function collapse(text: string): string {
  return text
    .replace(/\\\r?\n/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}
