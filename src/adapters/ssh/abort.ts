/** Why a signal was aborted, as something to reject with. */
export function abortReason(signal: AbortSignal | undefined): Error {
  return asError(signal?.reason)
}

/** Anything thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

/** Waits for work that can't be cancelled, but no longer than until the signal. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const abort = () => reject(abortReason(signal))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    void work
      .then((value) => resolve(value), reject)
      .finally(() => signal.removeEventListener('abort', abort))
  })
}
