import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { serviceScript } from './service-script.js'

/** The user that all pretend hosts know. */
export const sandboxUser = 'deploy'

/** Every process of a sandbox carries its directory under this name, so that stopping it finds them all. */
export const marker = 'DELIVER_SANDBOX'

/** One pretend host: its home directory is all that it has. */
export interface HostDirectory {
  readonly name: string
  readonly directory: string
  /** The port that the app is told to listen on. */
  readonly appPort: number
}

/** What the service script runs if nothing else is said. */
export const defaultStart = 'if [ -f server.js ]; then exec node server.js; else exec npm start --silent; fi'

/** Writes what belongs to the sandbox; what a deploy put there stays. */
export async function writeHostDirectory(host: HostDirectory, start: string): Promise<void> {
  for (const part of ['bin', 'etc']) await mkdir(join(host.directory, part), { recursive: true })
  const script = join(host.directory, 'bin', 'service')
  await writeFile(script, serviceScript)
  await chmod(script, 0o755)
  await writeFile(join(host.directory, 'etc', 'name'), `${host.name}\n`)
  await writeFile(join(host.directory, 'etc', 'port'), `${host.appPort}\n`)
  await writeFile(join(host.directory, 'etc', 'start'), `${start}\n`)
}

/** The environment of a login: nothing of ours but the way to node. */
export function loginEnvironment(home: string, sandboxDirectory: string): Record<string, string> {
  const path = [
    join(home, 'bin'),
    dirname(process.execPath),
    '/usr/local/bin',
    '/opt/homebrew/bin',
    '/usr/bin',
    '/bin',
    '/usr/sbin',
    '/sbin',
  ]
  return {
    PATH: path.join(delimiter),
    HOME: home,
    USER: sandboxUser,
    LOGNAME: sandboxUser,
    SHELL: '/bin/sh',
    // Nothing of a sandbox is to be run when this machine boots.
    DELIVER_BOOT_GUARD: 'off',
    [marker]: sandboxDirectory,
  }
}
