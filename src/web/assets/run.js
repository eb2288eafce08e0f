/**
 * The log of a run. The server sends lines as HTML; here they are kept in order, fetched when they are wanted and
 * dropped when they are many. While the run goes on, its stream brings lines and what changed about the run; a browser
 * that was cut off continues with the line after the last it has.
 */
'use strict'

/** Lines in the page at most; a log of a million lines must not slow the page down. */
const MOST_LINES = 20_000
const CHUNK = 500
const FETCH = 1_000

const log = document.getElementById('log')
const lines = document.getElementById('lines')
const base = `/runs/${log.dataset.run}`
const button = (name) => document.querySelector(`[data-do="${name}"]`)
const first = () => Number(log.dataset.first)
/** Number after the last line shown. */
const next = () => Number(log.dataset.next)

let isFollowing = log.dataset.live === 'true'
/** False while lines in the middle are shown and the end is not. */
let isAtEnd = true
let count = lines.querySelectorAll('.l').length

function fragment(html) {
  const template = document.createElement('template')
  template.innerHTML = html
  return template.content
}

function numberOf(line) {
  return Number(line?.id.slice(1) ?? 0)
}

/** A heading that repeats the step which the lines before it belong to says nothing. */
function withoutRepeatedHeading(content, before) {
  const heading = content.querySelector(':scope > h3:first-child')
  const last = [...before.querySelectorAll('h3')].at(-1)
  if (heading !== null && last !== undefined && heading.dataset.step === last.dataset.step) heading.remove()
}

function append(html) {
  const content = fragment(html)
  const fresh = [...content.querySelectorAll('.l')].filter((line) => numberOf(line) >= next())
  if (fresh.length === 0) return
  withoutRepeatedHeading(content, lines)
  let chunk = lines.lastElementChild
  if (chunk === null || chunk.childElementCount >= CHUNK) {
    chunk = document.createElement('div')
    chunk.className = 'chunk'
    lines.append(chunk)
  }
  chunk.append(content)
  count += fresh.length
  log.dataset.next = String(numberOf(fresh.at(-1)) + 1)
  log.querySelector('.log-empty').hidden = true
  dropFromTop()
  if (isFollowing) toEnd()
}

function dropFromTop() {
  while (count > MOST_LINES && isFollowing && lines.childElementCount > 1) {
    count -= lines.firstElementChild.querySelectorAll('.l').length
    lines.firstElementChild.remove()
    log.dataset.first = String(numberOf(lines.querySelector('.l')))
    button('earlier').hidden = false
  }
}

function toEnd() {
  log.scrollTop = log.scrollHeight
}

async function fetchLines(from, limit) {
  const answer = await fetch(`${base}/log?from=${from}&limit=${limit}`)
  if (!answer.ok) throw new Error(`the log could not be read: ${answer.status}`)
  return await answer.text()
}

async function showEarlier() {
  const from = Math.max(1, first() - FETCH)
  const content = fragment(await fetchLines(from, first() - from))
  for (const line of content.querySelectorAll('.l')) if (numberOf(line) >= first()) line.remove()
  const old = log.scrollHeight
  const chunk = document.createElement('div')
  chunk.className = 'chunk'
  chunk.append(content)
  count += chunk.querySelectorAll('.l').length
  lines.prepend(chunk)
  log.dataset.first = String(numberOf(chunk.querySelector('.l')) || from)
  button('earlier').hidden = from === 1 || chunk.querySelector('.l.gap') !== null
  log.scrollTop += log.scrollHeight - old
}

async function showLater() {
  const before = next()
  append(await fetchLines(before, FETCH))
  isAtEnd = next() - before < FETCH
  button('later').hidden = isAtEnd
}

/** Shows the surroundings of a line that is not there, in place of what is. */
async function showAround(n) {
  const from = Math.max(1, n - FETCH / 2)
  const html = await fetchLines(from, FETCH)
  lines.replaceChildren()
  count = 0
  log.dataset.next = String(from)
  append(html)
  log.dataset.first = String(numberOf(lines.querySelector('.l')) || from)
  isAtEnd = next() - from < FETCH
  button('earlier').hidden = from === 1
  button('later').hidden = isAtEnd
}

async function goTo(n) {
  if (document.getElementById(`L${n}`) === null) await showAround(n)
  const line = document.getElementById(`L${n}`)
  line?.scrollIntoView({ block: 'center' })
  return line
}

/* Anchors: #L12, #L12-L20 */

function range() {
  const match = /^#L(\d+)(?:-L(\d+))?$/.exec(location.hash)
  if (match === null) return null
  const from = Number(match[1])
  const to = Number(match[2] ?? match[1])
  return { from: Math.min(from, to), to: Math.max(from, to) }
}

function mark() {
  for (const line of lines.querySelectorAll('.marked')) line.classList.remove('marked')
  const marked = range()
  if (marked === null) return
  for (let n = marked.from; n <= Math.min(marked.to, marked.from + MOST_LINES); n += 1) {
    document.getElementById(`L${n}`)?.classList.add('marked')
  }
}

async function followHash() {
  const marked = range()
  if (marked === null) return
  setFollowing(false)
  await goTo(marked.from)
  mark()
}

lines.addEventListener('click', (event) => {
  const anchor = event.target.closest('.l > a')
  if (anchor === null) return
  event.preventDefault()
  const n = numberOf(anchor.parentElement)
  const marked = range()
  history.replaceState(
    null,
    '',
    event.shiftKey && marked !== null ? `#L${Math.min(marked.from, n)}-L${Math.max(marked.to, n)}` : `#L${n}`,
  )
  setFollowing(false)
  mark()
})
addEventListener('hashchange', () => void followHash())

/* Search */

const form = document.querySelector('.log-search')
const told = form.querySelector('output')
let hits = []
let at = -1
let asked = ''

async function search() {
  const wanted = form.elements.q.value.trim()
  if (wanted === asked) return await step(1)
  asked = wanted
  hits = []
  at = -1
  if (wanted !== '') {
    const answer = await fetch(`${base}/search?q=${encodeURIComponent(wanted)}`, {
      headers: { accept: 'application/json' },
    })
    const found = await answer.json()
    hits = found.hits
    told.dataset.more = found.isCut ? '+' : ''
  }
  for (const name of ['next', 'previous']) button(name).disabled = hits.length === 0
  if (hits.length > 0) return await step(1)
  told.textContent = wanted === '' ? '' : 'no hits'
  highlight(null)
}

async function step(by) {
  if (hits.length === 0) return
  at = (at + by + hits.length) % hits.length
  told.textContent = `${at + 1} of ${hits.length}${told.dataset.more}`
  setFollowing(false)
  highlight(await goTo(hits[at]))
}

function highlight(line) {
  for (const old of lines.querySelectorAll('.hit')) old.classList.remove('hit')
  line?.classList.add('hit')
  if (globalThis.CSS?.highlights === undefined) return
  CSS.highlights.delete('found')
  if (line === null || line === undefined) return
  const ranges = []
  const walker = document.createTreeWalker(line.lastElementChild, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node.data.toLowerCase()
    for (
      let from = text.indexOf(asked.toLowerCase());
      from !== -1;
      from = text.indexOf(asked.toLowerCase(), from + asked.length)
    ) {
      const found = new Range()
      found.setStart(node, from)
      found.setEnd(node, from + asked.length)
      ranges.push(found)
    }
  }
  CSS.highlights.set('found', new Highlight(...ranges))
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  void search()
})

/* Buttons and keys */

function setFollowing(wanted) {
  isFollowing = wanted && log.dataset.live === 'true'
  button('follow').setAttribute('aria-pressed', String(isFollowing))
}

async function follow() {
  setFollowing(!isFollowing)
  if (!isFollowing) return
  while (!isAtEnd) await showLater()
  toEnd()
}

function toggle(name) {
  const isOn = log.classList.toggle(name)
  button(name).setAttribute('aria-pressed', String(isOn))
}

const actions = {
  follow,
  times: () => toggle('times'),
  wrap: () => toggle('wrap'),
  earlier: showEarlier,
  later: showLater,
  next: () => step(1),
  previous: () => step(-1),
  top: async () => {
    setFollowing(false)
    await goTo(first() === 1 ? first() : 1)
    log.scrollTop = 0
  },
  end: async () => {
    while (!isAtEnd) await showLater()
    toEnd()
  },
  search: () => form.elements.q.focus(),
}
const keys = { '/': 'search', n: 'next', N: 'previous', g: 'top', G: 'end', f: 'follow', t: 'times', w: 'wrap' }

document.addEventListener('click', (event) => {
  const name = event.target.closest('[data-do]')?.dataset.do
  if (name !== undefined) void actions[name]()
})
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && document.activeElement === form.elements.q) return log.focus()
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, textarea, select')) return
  const name = keys[event.key]
  if (name === undefined) return
  event.preventDefault()
  void actions[name]()
})
// Scrolling back is a wish to read; coming to the end again is a wish to go on.
log.addEventListener(
  'wheel',
  (event) => {
    if (event.deltaY < 0) setFollowing(false)
  },
  { passive: true },
)
log.addEventListener(
  'scroll',
  () => {
    const isBelow = log.scrollHeight - log.scrollTop - log.clientHeight < 4
    if (isBelow && isAtEnd && !isFollowing && range() === null && asked === '') setFollowing(true)
  },
  { passive: true },
)

/* What the server tells */

function listen() {
  const source = new EventSource(`${base}/live?from=${next()}`)
  source.addEventListener('log', (event) => {
    if (isAtEnd) append(JSON.parse(event.data).html)
    else button('later').hidden = false
  })
  source.addEventListener('run', (event) => {
    globalThis.slipwayPage.replaceParts(fragment(JSON.parse(event.data).html))
  })
  source.addEventListener('end', () => {
    source.close()
    log.dataset.live = 'false'
    setFollowing(false)
    button('follow').hidden = true
    if (next() === 1) log.querySelector('.log-empty').textContent = 'This run printed nothing.'
  })
}

if (log.dataset.live === 'true') listen()
if (range() === null) toEnd()
else void followHash()
