import { readFileSync, readlinkSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'

/** Who and where we are, for the lock, the pointer and the history. */
export interface ThisMachine {
  readonly user: string
  readonly host: string
  readonly pid: number
  readonly machine: string | undefined
}

export function thisMachine(): ThisMachine {
  return { user: userName(), host: hostname(), pid: process.pid, machine: machineToken() }
}

/** A container may run as a user id without a name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}

/**
 * One boot of one kernel and one namespace of process ids: a host name is no proof, since containers share names, and a
 * process id means nothing in another namespace. Linux only; elsewhere a lock of a dead process expires by time.
 */
function machineToken(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return undefined
  }
}

/** True only when that process ran where we run, and is gone. A number that another process got since counts as alive. */
export function isDeadProcess(holder: { readonly machine?: string; readonly pid: number }): boolean {
  const here = machineToken()
  if (here === undefined || holder.machine !== here) return false
  try {
    process.kill(holder.pid, 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}
