export interface FullName {
  readonly owner: string
  readonly name: string
}

const PART = /^[A-Za-z0-9_.-]{1,100}$/

/** `owner/name`; what follows a second slash is ignored, as it always was. Null when it is malformed. */
export function parseFullName(text: string): FullName | null {
  const [owner = '', name = ''] = text.split('/')
  return isPart(owner) && isPart(name) ? { owner, name } : null
}

/** Owner and name at the end of a clone address in any of the usual forms. Null when there are none. */
export function fullNameOfUrl(url: string): FullName | null {
  const path = withoutProtocol(url)
    .split(/[/:]/)
    .filter((part) => part !== '')
  const [owner, name] = path.slice(-2)
  return path.length >= 3 && owner !== undefined && name !== undefined && isPart(owner) && isPart(name)
    ? { owner, name }
    : null
}

/** `https://github.com/acme/lib.git` as `github.com/acme/lib`: two addresses of one repository become equal. */
export function withoutProtocol(url: string): string {
  return url
    .trim()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
    .replace(/^[^/@]*@/, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
}

function isPart(text: string): boolean {
  return PART.test(text) && text !== '.' && text !== '..'
}
