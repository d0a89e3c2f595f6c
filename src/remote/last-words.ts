/** The last line that a host printed beside its answer, or nothing: most often it says why there is none. */
export function lastLine(log: string): string {
  return log.trim().split('\n').at(-1) ?? ''
}

/** Why there was no answer, with what a login shell printed that doesn't run what it is told. */
export function withLastWords({ because, log }: { readonly because: string; readonly log: string }): string {
  const said = lastLine(log)
  return said === '' ? because : `${because} (${said})`
}
