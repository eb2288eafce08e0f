/** The frame of every page. Whatever stands between braces is escaped; nothing on a page is written as raw HTML. */
import type { Child } from 'hono/jsx'
import { raw } from 'hono/html'
import { VERSION } from '../core/version.ts'
import { CsrfField } from './csrf-field.tsx'
import { assetAddress, type AssetName } from './serve-assets.ts'
import type { Session } from './session.ts'

export type Section = 'overview' | 'services' | 'pools' | 'packages' | 'runners' | 'deliveries' | 'settings' | 'audit'

export interface PageProps {
  readonly title: string
  /** Null: nobody is logged in. */
  readonly session: Session | null
  /** Which entry of the navigation the page belongs to. */
  readonly active?: Section
  /** Scripts and stylesheets besides those of every page. */
  readonly assets?: readonly AssetName[]
  readonly children?: Child
}

interface Entry {
  readonly section: Section
  readonly label: string
  readonly href: string
  readonly forAdmins: boolean
}

const NAVIGATION: readonly Entry[] = [
  { section: 'overview', label: 'Overview', href: '/', forAdmins: false },
  { section: 'services', label: 'Services', href: '/services', forAdmins: false },
  { section: 'pools', label: 'Pools', href: '/pools', forAdmins: false },
  { section: 'packages', label: 'Packages', href: '/packages', forAdmins: false },
  { section: 'runners', label: 'Runners', href: '/runners', forAdmins: true },
  { section: 'deliveries', label: 'Deliveries', href: '/deliveries', forAdmins: true },
  { section: 'settings', label: 'Settings', href: '/settings', forAdmins: true },
  { section: 'audit', label: 'Audit', href: '/audit', forAdmins: true },
]

export function Page({ title, session, active, assets = [], children }: PageProps) {
  const entries = NAVIGATION.filter((entry) => session !== null && (session.isAdmin || !entry.forAdmins))
  return (
    <Document title={title} assets={['page.js', ...assets]}>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="top">
        <div class="top-inner">
          <Brand />
          <nav aria-label="Main">
            {entries.map(({ section, label, href }) => (
              <a href={href} {...(section === active ? { 'aria-current': 'page' } : {})}>
                {label}
              </a>
            ))}
          </nav>
          <Visitor session={session} />
        </div>
      </header>
      <main id="content" tabindex={-1}>
        {children}
      </main>
      <footer class="foot">
        <span>Slipway {VERSION}</span>
        <a href="/docs">API</a>
        <a href="/schema/slipway.json">Schema of slipway.yml</a>
      </footer>
    </Document>
  )
}

/** A page without navigation: log-in, set-up. */
export function Gate({ title, assets = [], children }: Pick<PageProps, 'title' | 'assets' | 'children'>) {
  return (
    <Document title={title} assets={['page.js', ...assets]}>
      <main id="content" class="gate">
        <Brand />
        {children}
      </main>
    </Document>
  )
}

function Document({ title, assets, children }: { title: string; assets: readonly AssetName[]; children: Child }) {
  const styles = assets.filter((name) => name.endsWith('.css'))
  const scripts = assets.filter((name) => name.endsWith('.js'))
  return (
    <>
      {raw('<!doctype html>')}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>{title === 'Slipway' ? title : `${title} · Slipway`}</title>
          <link rel="icon" href={assetAddress('icon.svg')} type="image/svg+xml" />
          {(['slipway.css', ...styles] as const).map((name) => (
            <link rel="stylesheet" href={assetAddress(name)} />
          ))}
          {scripts.map((name) => (
            <script src={assetAddress(name)} defer></script>
          ))}
        </head>
        <body>{children}</body>
      </html>
    </>
  )
}

function Brand() {
  return (
    <a class="brand" href="/">
      <svg
        viewBox="0 0 24 24"
        fill="none"
        stroke="currentColor"
        stroke-width="2"
        stroke-linecap="round"
        stroke-linejoin="round"
        aria-hidden="true"
      >
        <path d="M3 12.5h14.5l3-5.5" />
        <path d="M5 12.5 6.5 17h8.8l2.2-4.5" />
        <path d="M8 12V6l5 4" />
        <path d="M2 21.5 22 17" />
      </svg>
      Slipway
    </a>
  )
}

function Visitor({ session }: { session: Session | null }) {
  if (session === null) {
    return (
      <div class="who">
        <a href="/login">Log in</a>
      </div>
    )
  }
  return (
    <div class="who">
      <span class="soft">
        {session.login ?? session.actor}
        {session.isAdmin && session.login !== null ? <span class="tag">admin</span> : null}
      </span>
      {session.csrf === null ? null : (
        <form method="post" action="/logout">
          <CsrfField session={session} />
          <button class="quiet small">Log out</button>
        </form>
      )}
    </div>
  )
}
