import type { Duplex } from 'node:stream'
import type { KeepalivePlan } from './destination-plans.js'

/**
 * Watches for silence. ssh2 sends a ping per interval; this judges by bytes from the host instead of by answers, because
 * on a slow line the answer queues behind a transfer that is doing fine. Gives a function that stops the watch.
 */
export function watchSilence(
  socket: Duplex,
  plan: KeepalivePlan,
  onLost: (because: string) => void,
): () => void {
  let heard = false
  let missed = 0
  const listen = () => {
    heard = true
  }
  socket.on('data', listen)
  const timer = setInterval(() => {
    missed = heard ? 0 : missed + 1
    heard = false
    if (missed < plan.missed) return
    stop()
    onLost(`the host was silent for ${Math.round((plan.interval * plan.missed) / 100) / 10} s (keepalive)`)
  }, plan.interval)
  const stop = () => {
    clearInterval(timer)
    socket.removeListener('data', listen)
  }
  return stop
}
