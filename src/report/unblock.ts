/**
 * Lets writes to a terminal return at once, as they do for pipes. Node makes terminals blocking, so that one that was
 * stopped (Ctrl-S, a suspended ssh client) would stop the whole deploy: health checks, time limits, the lock's lease.
 * The handle is no public part of a stream; without it things are as Node has them.
 */
export function unblock(stream: object): void {
  const handle: unknown = '_handle' in stream ? stream._handle : undefined
  if (typeof handle !== 'object' || handle === null || !('setBlocking' in handle)) return
  const { setBlocking } = handle
  if (typeof setBlocking === 'function') Reflect.apply(setBlocking, handle, [false])
}
