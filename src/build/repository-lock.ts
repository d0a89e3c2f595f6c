import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DeliverError } from '../errors.js'
import type { Clock } from '../ports.js'

export interface LockOptions {
  readonly clock: Clock
  /** Milliseconds to wait for another process. */
  readonly wait: number
  readonly signal?: AbortSignal | undefined
  readonly onWaiting?: (owner: string) => void
}

/**
 * Runs `use` while no other process works on the state directory of this clone. Every process makes a claim of its own name
 * and then looks for others: of two at once, each sees at least the other, so never do both go on; they withdraw and try again after
 * different pauses. As no claim ever has another's name, removing the claim of a dead process can't hit a living one.
 */
export async function withRepositoryLock<T>(
  state: string,
  options: LockOptions,
  use: () => Promise<T>,
): Promise<T> {
  const claims = join(state, 'lock')
  await mkdir(claims, { recursive: true })
  const release = await acquire(claims, options)
  try {
    return await use()
  } finally {
    await release()
  }
}

async function acquire(
  claims: string,
  { clock, wait, signal, onWaiting }: LockOptions,
): Promise<() => Promise<void>> {
  const mine = claimName({ host: hostOf(), pid: process.pid, start: startOf(process.pid) ?? '0' })
  const path = join(claims, mine)
  const deadline = clock.now() + wait
  for (let told = false; ;) {
    const others = await liveClaims(claims, mine)
    if (others.length === 0) {
      await (await open(path, 'wx')).close()
      if ((await liveClaims(claims, mine)).length === 0) return () => rm(path, { force: true })
      await rm(path, { force: true })
    }
    const [owner] = others
    if (clock.now() >= deadline) throw locked(claims, owner)
    if (owner !== undefined && !told) {
      told = true
      onWaiting?.(describe(owner))
    }
    await clock.sleep(20 + Math.random() * 180, signal)
  }
}

interface Claim {
  readonly host: string
  readonly pid: number
  /** When the process started, in the units of the system: process ids are used again. */
  readonly start: string
}

function claimName(claim: Claim): string {
  return `${claim.host}.${claim.pid}.${claim.start}.${randomBytes(6).toString('hex')}`
}

async function liveClaims(directory: string, mine: string): Promise<string[]> {
  const live: string[] = []
  for (const name of await readdir(directory)) {
    if (name === mine) continue
    const [host, pid, start] = name.split('.')
    if (host === undefined || start === undefined || !/^\d+$/.test(pid ?? '')) continue
    if (isAlive({ host, pid: Number(pid), start })) live.push(name)
    else await rm(join(directory, name), { force: true })
  }
  return live.sort()
}

/** A process of another machine or container can't be seen from here, so it counts as alive. */
function isAlive(claim: Claim): boolean {
  if (claim.host !== hostOf()) return true
  try {
    process.kill(claim.pid, 0)
  } catch (error) {
    // Not permitted means that it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  const start = startOf(claim.pid)
  return start === undefined || claim.start === '0' || start === claim.start
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold blanks and brackets. Undefined where there is no /proc. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function hostOf(): string {
  return hostname()
    .replace(/[^A-Za-z0-9-]/g, '_')
    .slice(0, 100)
}

function describe(name: string): string {
  const [host, pid] = name.split('.')
  return `process ${pid ?? '?'} on ${host ?? '?'}`
}

function locked(claims: string, owner: string | undefined): DeliverError {
  const who = owner === undefined ? 'other deliver processes' : describe(owner)
  return new DeliverError('locked', `${who} is at work in this clone`, {
    fix:
      owner === undefined
        ? 'Run again.'
        : `Wait for it; if it is gone for sure, remove ${join(claims, owner)}`,
  })
}
