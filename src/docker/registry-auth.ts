import { DEFAULT_REGISTRY, parseImageReference } from './image-reference.ts'

export interface RegistryLogin {
  readonly username: string
  readonly password: string
}

/** Logins by host and port of the registry. */
export type RegistryLogins = Readonly<Record<string, RegistryLogin>>

/** The key under which every Engine looks for the login of the default registry. */
const DEFAULT_REGISTRY_KEY = `https://index.${DEFAULT_REGISTRY}/v1/`

/**
 * Header of a pull or push. It is sent also without a login: a push without the header is refused as malformed.
 */
export function registryAuthHeader(reference: string, logins: RegistryLogins = {}): Readonly<Record<string, string>> {
  const { registry } = parseImageReference(reference)
  const login = logins[registry]
  const auth = login === undefined ? {} : { ...login, serveraddress: registry }
  return { 'X-Registry-Auth': Buffer.from(JSON.stringify(auth)).toString('base64url') }
}

/** Header of a build: the logins for base images. Only the classic builder reads it. */
export function registryConfigHeader(logins: RegistryLogins): Readonly<Record<string, string>> {
  if (Object.keys(logins).length === 0) return {}
  const config = Object.fromEntries(
    Object.entries(logins).map(([registry, login]) => [
      registry === DEFAULT_REGISTRY ? DEFAULT_REGISTRY_KEY : registry,
      login,
    ]),
  )
  return { 'X-Registry-Config': Buffer.from(JSON.stringify(config)).toString('base64url') }
}
