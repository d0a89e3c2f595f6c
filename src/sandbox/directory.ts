import { lstat, mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeliverError, messageOf } from '../errors.js'
import { generateKeyPair, type KeyPair } from './keys.js'
import { readState } from './state.js'

/** Where a sandbox lives if nobody says otherwise: one per user of this machine. */
export function defaultDirectory(): string {
  return join(tmpdir(), `deliver-sandbox-${process.getuid?.() ?? 'user'}`)
}

/**
 * Makes the directory, private to the user, and returns its real path. What is there must be the user's own: in a shared
 * /tmp somebody else could have made it first, to put commands into it.
 */
export async function claimDirectory(directory: string): Promise<string> {
  if (directory.includes(':')) {
    throw new DeliverError('usage', `sandbox: ${directory} has a colon, which a PATH can't hold`, {
      fix: 'name another directory with --dir',
    })
  }
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const found = await lstat(directory)
  const uid = process.getuid?.()
  if (!found.isDirectory() || (uid !== undefined && found.uid !== uid) || (found.mode & 0o022) !== 0) {
    throw new DeliverError(
      'precondition',
      `sandbox: ${directory} is a link, somebody else's or writable by others`,
      {
        fix: `if it is yours: chmod go-w ${directory}; else name another directory with --dir`,
      },
    )
  }
  return realpath(directory)
}

/** Two sandboxes in one directory would stop each other's apps. */
export async function refuseIfRunning(directory: string): Promise<void> {
  const { pid, sshPorts } = await readState(directory)
  if (pid === undefined || !isAlive(pid)) return
  const listening = await Promise.all(Object.values(sshPorts).map(accepts))
  if (!listening.includes(true)) return // the process id has been given to somebody else
  throw new DeliverError('precondition', `sandbox: process ${pid} already runs one in ${directory}`, {
    fix: `stop it (kill ${pid}), or name another directory with --dir`,
  })
}

/** The store that the printed config names. */
export const storeOf = (directory: string): string => join(directory, 'store')

/**
 * Removes what was deployed in an earlier sandbox and its store. Keys and ports stay, so that a config made for it is right. Only
 * what its state names: in a directory where none has been, `store` and `web1` are somebody else's.
 */
export async function removeReleases(directory: string): Promise<void> {
  const hosts = Object.keys((await readState(directory)).sshPorts).filter((name) => /^web\d+$/.test(name))
  if (hosts.length === 0) return
  const paths = [storeOf(directory), ...hosts.map((name) => join(directory, name))]
  for (const path of paths)
    await rm(path, { recursive: true, force: true }).catch((cause: unknown) => {
      throw new DeliverError('precondition', `sandbox: ${path} can't be removed: ${messageOf(cause)}`, {
        cause,
        fix: 'Remove it yourself, or name another directory with --dir.',
      })
    })
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const answer = (yes: boolean) => () => {
      socket.destroy()
      resolve(yes)
    }
    socket.once('connect', answer(true)).once('error', answer(false))
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** The key pair of that name, made on first use. */
export async function loadKeyPair(directory: string, name: string): Promise<KeyPair> {
  const keys = join(directory, 'keys')
  await mkdir(keys, { recursive: true, mode: 0o700 })
  const file = join(keys, name)
  try {
    return {
      privateKey: await readFile(file, 'utf8'),
      publicKey: (await readFile(`${file}.pub`, 'utf8')).trim(),
    }
  } catch {
    const made = generateKeyPair(name)
    await writeFile(`${file}.pub`, `${made.publicKey}\n`)
    await writeFile(`${file}.new`, made.privateKey, { mode: 0o600 })
    await rename(`${file}.new`, file)
    return made
  }
}
