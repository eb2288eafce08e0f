import { describe, expect, it } from 'vitest'
import { baseImages, outlineDockerfile } from '../../../src/docker/dockerfile-stages.ts'
import { locateBaseImage, locateBuildkitStep, locateClassicStep } from '../../../src/docker/locate-dockerfile-step.ts'

const outline = outlineDockerfile(
  `# syntax=registry.example.com/frontend:1
ARG VERSION=20
FROM node:\${VERSION} AS Build
WORKDIR /src
# a comment

RUN npm ci && \\
    npm test
ENV A=b

FROM scratch
COPY --from=build /src /app
FROM build AS final
RUN echo done
`,
)

describe('a step of a builder', () => {
  it.each([
    ['[build 1/3] FROM registry.example.com/library/node:20', 3, 3],
    ['[build 2/3] WORKDIR /src', 4, 4],
    ['[build 3/3] RUN npm ci &&     npm test', 7, 8],
    ['[stage-1 1/1] COPY --from=build /src /app', 12, 12],
    ['[final 1/1] RUN echo done', 14, 14],
    // A base with ONBUILD makes BuildKit count more layers than the file has.
    ['[build 4/5] RUN npm ci && npm test', 7, 8],
  ])('%s of BuildKit is lines %d to %d', (name, start, end) => {
    expect(locateBuildkitStep(outline, name)).toEqual({ start, end })
  })

  it.each([
    '[internal] load metadata for x',
    'exporting to image',
    '[nowhere 1/2] RUN x',
    '[build 9/5] RUN something else',
  ])('%s is in no line', (name) => {
    expect(locateBuildkitStep(outline, name)).toBeUndefined()
  })

  it('of the classic builder is found by its number among all instructions', () => {
    expect([1, 2, 4, 8, 99].map((number) => locateClassicStep(outline, number)?.start)).toEqual([
      2,
      3,
      7,
      13,
      undefined,
    ])
  })

  it('of a file with one stage needs no name', () => {
    expect(locateBuildkitStep(outlineDockerfile('FROM busybox\n\nRUN false\n'), '[2/2] RUN false')).toEqual({
      start: 3,
      end: 3,
    })
  })
})

describe('a Dockerfile', () => {
  it('tells its frontend and the images it fetches, arguments filled in', () => {
    expect(outline.syntax).toBe('registry.example.com/frontend:1')
    expect(baseImages(outline)).toEqual(['node:20'])
    expect(baseImages(outlineDockerfile('ARG V\nFROM a:${V:-1}\nFROM b:$V\nFROM $UNKNOWN', { V: '3' }))).toEqual([
      'a:3',
      'b:3',
    ])
    expect(locateBaseImage(outline, 'node:20: not found')).toEqual({ start: 3, end: 3 })
  })

  it.each([
    '',
    '\0\0',
    'FROM',
    'RUN <<EOF\n',
    '# escape=`\nFROM a\nRUN x `\n y',
    'FROM a AS a\nFROM a AS a\n'.repeat(50),
    '\\'.repeat(1000),
  ])('is read whatever it holds: %j', (text) => {
    expect(outlineDockerfile(text).stages.length).toBeLessThanOrEqual(100)
  })
})
