/**
 * A signal that aborts after `ms`, or as soon as one of the others does. `AbortSignal.timeout` inside `AbortSignal.any`
 * may be collected before it fires, because nothing else refers to it; here the timer itself holds on to it.
 */
export function within(ms: number, ...signals: readonly AbortSignal[]): AbortSignal {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(new DOMException('the time limit was reached', 'TimeoutError')), ms)
  timer.unref()
  return signals.length === 0 ? deadline.signal : AbortSignal.any([...signals, deadline.signal])
}
