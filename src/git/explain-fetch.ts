export type FetchResult =
  | { readonly kind: 'fetched' | 'present' }
  /** The server answered and has no such commit, or not for this token. */
  | { readonly kind: 'missing'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'unreachable'; readonly message: string }

export type FetchAttempt = FetchResult | { readonly kind: 'damaged'; readonly message: string }

/** git says what happened only in words; with LANG=C they are stable. */
export function explainFetch(stderr: string): FetchAttempt {
  const message = stderr.trim().split('\n').slice(-3).join(' ')
  if (/not our ref|couldn't find remote ref|no such remote ref|not a valid object name/i.test(stderr))
    return { kind: 'missing', message }
  if (
    /authentication failed|could not read username|terminal prompts disabled|repository .* not found|returned error: 40[134]|does not appear to be a git repository/i.test(
      stderr,
    )
  ) {
    return { kind: 'refused', message }
  }
  if (
    /object file .* is empty|loose object .* is corrupt|packfile .* (is truncated|cannot be|does not match)|bad object|missing necessary objects|unable to read tree|not a git repository|inflate: data stream|did not send all necessary objects|unresolved deltas|invalid index-pack|broken ref/i.test(
      stderr,
    )
  ) {
    return { kind: 'damaged', message }
  }
  return { kind: 'unreachable', message }
}
