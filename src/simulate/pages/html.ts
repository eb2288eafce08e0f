/** HTML with everything escaped unless it was made here. */
import type { Answer } from '../rest/answer.ts'

export interface Markup {
  readonly markup: string
}

type Part = string | number | Markup | readonly Markup[] | undefined

/** A template whose values are escaped; markup made by this function is taken as it is. */
export function html(fixed: TemplateStringsArray, ...values: readonly Part[]): Markup {
  return { markup: fixed.map((piece, index) => piece + show(values[index])).join('') }
}

export function escapeHtml(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

const style = `
:root{color-scheme:light dark;--line:#8884;--dim:#777}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1.5rem}
header{border-bottom:1px solid var(--line);margin-bottom:1rem}header h1{font-size:1.25rem;margin:.25rem 0}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
code,pre{font:13px/1.45 ui-monospace,monospace}pre{overflow:auto;padding:.75rem;border:1px solid var(--line);border-radius:6px;white-space:pre-wrap}
details{border:1px solid var(--line);border-radius:6px;margin:.5rem 0;padding:.5rem .75rem}summary{cursor:pointer}
.dim{color:var(--dim)}.success{color:#1a7f37}.failure,.timed_out,.error{color:#cf222e}.queued,.in_progress,.pending{color:#9a6700}.neutral,.skipped,.cancelled,.inactive{color:var(--dim)}
`

export function page(status: number, title: string, body: Markup): Answer {
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title} · simulated GitHub</title>
        <style>
          ${{ markup: style }}
        </style>
      </head>
      <body>
        <header><h1>${title}</h1></header>
        <main>${body}</main>
      </body>
    </html>`
  return {
    status,
    raw: Buffer.from(document.markup),
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; form-action *",
    },
  }
}

function show(value: Part): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return escapeHtml(value)
  if (typeof value === 'number') return String(value)
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('')
}
