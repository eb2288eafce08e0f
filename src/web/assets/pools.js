// The pool page, live: whatever happens in a pool is told by an event stream, and the page fetches its live part anew.
// A form that somebody is filling in is never replaced under their hands.
'use strict'

{
  const RETRY_MS = 2000

  const live = document.querySelector('[data-live]')
  let isStale = false

  function isBusy() {
    return live.querySelector('details[open]') !== null || live.contains(document.activeElement?.closest('form input'))
  }

  async function refresh() {
    isStale = true
    if (isBusy()) return
    isStale = false
    try {
      const answer = await fetch(live.dataset.live, { headers: { accept: 'text/html' } })
      if (!answer.ok) throw new Error(String(answer.status))
      const text = await answer.text()
      if (isBusy()) isStale = true
      else live.innerHTML = text
      globalThis.slipwayPage?.tellTimes(live)
      countDown()
    } catch {
      setTimeout(refresh, RETRY_MS)
    }
  }

  function countDown() {
    for (const time of document.querySelectorAll('time[data-until]')) {
      const seconds = Math.max(0, Math.round((Date.parse(time.dateTime) - Date.now()) / 1000))
      const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
      time.textContent = parts.map((part) => String(part).padStart(2, '0')).join(':')
    }
  }

  if (live !== null) {
    const events = new EventSource(live.dataset.events)
    events.addEventListener('changed', refresh)
    live.addEventListener('toggle', () => isStale && refresh(), true)
    live.addEventListener('focusout', () => isStale && setTimeout(refresh, 0))
    setInterval(countDown, 1000)
    countDown()
  }
}
