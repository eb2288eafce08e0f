/** Files as the control API takes them: text, `{base64, mode?}`, `{text, mode?}`, or null to remove. */
import type { FileContent } from '../git/write-commit.ts'
import type { JsonObject } from '../json.ts'
import { isObject, text } from '../json.ts'
import { refuse } from '../rest/answer.ts'

const plainFile = '100644'

export function readFiles(files: JsonObject): Map<string, FileContent | null> {
  return new Map(
    Object.entries(files).map(([path, file]): [string, FileContent | null] => {
      if (file === null) return [path, null]
      if (typeof file === 'string') return [path, { bytes: Buffer.from(file), mode: plainFile }]
      if (!isObject(file)) throw refuse(400, `file "${path}" must be text, {base64}, {text} or null`)
      const base64 = text(file, 'base64')
      const bytes = base64 === undefined ? Buffer.from(text(file, 'text') ?? '') : Buffer.from(base64, 'base64')
      return [path, { bytes, mode: text(file, 'mode') ?? plainFile }]
    }),
  )
}
