/**
 * Completes package-lock.json. npm forgets the bindings of other systems when it writes the lock beside an installed tree,
 * or when the registry at hand lacks one of them, and `npm ci` then refuses the lock for being out of step. Such a binding
 * is optional and never installed here; its name, version and system are all that has to stand in the lock.
 */
interface LockedPackage {
  readonly version: string
  readonly dev?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

type Packages = Record<string, LockedPackage>

const SYSTEM = /(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|x64|ppc64|riscv64|s390x|ia32)/

export function completePackageLock(current: string): string {
  const lock: { packages: Packages } = JSON.parse(current)
  const missing = missingBindings(lock.packages)
  if (missing.length === 0) return current
  const { '': root, ...installed } = lock.packages
  const packages = [...Object.entries(installed), ...missing].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `${JSON.stringify({ ...lock, packages: { '': root, ...Object.fromEntries(packages) } }, null, 2)}\n`
}

function missingBindings(packages: Packages): readonly (readonly [string, object])[] {
  return Object.entries(packages).flatMap(([path, { dev = false, optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies).flatMap(([name, version]) => {
      const place = `node_modules/${name}`
      const [, os, cpu] = SYSTEM.exec(name) ?? []
      if (path === '' || os === undefined || place in packages || `${path}/${place}` in packages) return []
      const libc = name.includes('musl') ? { libc: ['musl'] } : name.endsWith('-gnu') ? { libc: ['glibc'] } : {}
      return [[place, { version, cpu: [cpu], ...(dev ? { dev } : {}), ...libc, optional: true, os: [os] }] as const]
    }),
  )
}
