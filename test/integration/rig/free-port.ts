import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below the ports that the kernel gives to whoever asks for any: those may be another's a moment later, for as long as it lives. */
const lowest = 12_000
const highest = 32_000
/** Test files that run at the same time have ports of their own. */
const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % 8
const span = Math.floor((highest - lowest) / 8)
const first = lowest + worker * span
// What an earlier file of this worker left behind may still end.
let next = Math.floor(Math.random() * span)

/** A port that nobody listens on, and that nobody gets by chance while what shall listen there is stopped and started. */
export async function freePort(address: string): Promise<number> {
  for (let tries = 0; tries < span; tries += 1) {
    next = (next + 1) % span
    if (await isFree(address, first + next)) return first + next
  }
  throw new Error(`no port on ${address}`)
}

async function isFree(address: string, port: number): Promise<boolean> {
  const server = createServer().listen(port, address)
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
