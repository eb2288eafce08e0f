/** Each step is said before it is done; progress goes to standard error, results to standard output. */
export function announce(text) {
  console.error(`slipway: ${text}`)
}
