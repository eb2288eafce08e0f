/**
 * On every page: times in words, counters that count on, questions before what cannot be undone, and parts that keep
 * themselves current. A part is an element with an id and `data-part`; where the body of a page holds `data-refresh`,
 * the page is fetched again when something changed, and the parts that came out differently are put in place.
 */
'use strict'

const ago = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' })
const steps = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Infinity],
]

function inWords(date) {
  let amount = (date.getTime() - Date.now()) / 1000
  if (Math.abs(amount) < 10) return 'just now'
  for (const [unit, size] of steps) {
    if (Math.abs(amount) < size) return ago.format(Math.round(amount), unit)
    amount /= size
  }
  return ''
}

function span(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  if (first === -1) return '0s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => count + unit)
    .join(' ')
}

function tellTimes(root) {
  for (const element of root.querySelectorAll('time[datetime]:not([data-exact])')) {
    const date = new Date(element.dateTime)
    const text = inWords(date)
    if (element.textContent !== text) element.textContent = text
    element.title = date.toLocaleString()
  }
  for (const element of root.querySelectorAll('[data-since]')) {
    element.textContent = span(Date.now() - new Date(element.dataset.since).getTime())
  }
}

/** Puts those parts of the given HTML in place that differ from what is shown. */
const served = new WeakMap()
function replaceParts(root) {
  for (const fresh of root.querySelectorAll('[data-part][id]')) {
    const shown = document.getElementById(fresh.id)
    const html = fresh.outerHTML
    if (shown === null || served.get(shown) === html) continue
    // Nobody's half-written form is taken away.
    if (shown.contains(document.activeElement) && document.activeElement.matches('input, textarea, select')) continue
    const focused = shown.contains(document.activeElement) ? document.activeElement.textContent : null
    const element = document.importNode(fresh, true)
    served.set(element, html)
    shown.replaceWith(element)
    tellTimes(element)
    if (focused !== null)
      [...element.querySelectorAll('a, button')].find((other) => other.textContent === focused)?.focus()
    element.dispatchEvent(new CustomEvent('part', { bubbles: true }))
  }
}

async function refetch() {
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } })
  if (!answer.ok || answer.redirected) return
  replaceParts(new DOMParser().parseFromString(await answer.text(), 'text/html'))
}

/** One stream while the page is looked at: browsers allow few connections, and nobody reads a hidden page. */
function keepCurrent() {
  let source = null
  const open = () => {
    source ??= new EventSource('/live')
    source.onmessage = () => void refetch().catch(() => undefined)
  }
  const close = () => {
    source?.close()
    source = null
  }
  const follow = () => (document.hidden ? close() : open())
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void refetch().catch(() => undefined)
    follow()
  })
  addEventListener('pagehide', close)
  follow()
}

document.addEventListener('submit', (event) => {
  const form = event.target
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm
  if (question !== undefined && !confirm(question)) {
    event.preventDefault()
    return
  }
  // A second press of the same button would do the same again.
  if (form.method === 'post') setTimeout(() => event.submitter?.setAttribute('disabled', ''), 0)
})
addEventListener('pageshow', (event) => {
  if (event.persisted)
    for (const button of document.querySelectorAll('button[disabled]')) button.removeAttribute('disabled')
})

/** What scrolls sideways must be reachable by keyboard, and what does not must not be in the way. */
function reachScrollers(root) {
  for (const element of root.querySelectorAll('.scroll'))
    element.tabIndex = element.scrollWidth > element.clientWidth ? 0 : -1
}
addEventListener('resize', () => reachScrollers(document))
document.addEventListener('part', (event) => reachScrollers(event.target))

reachScrollers(document)
tellTimes(document)
setInterval(() => tellTimes(document), 1000)
if (document.querySelector('[data-refresh]') !== null) keepCurrent()
globalThis.slipwayPage = { replaceParts, tellTimes }
