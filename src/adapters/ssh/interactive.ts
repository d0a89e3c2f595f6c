import { spawn } from 'node:child_process'
import type { SshConfig } from '../../config/types.js'
import { DeliverError } from '../../errors.js'
import type { Host } from '../../ports.js'
import { checkedHost, checkedPort, checkedUser } from './names.js'

/** The arguments for the system's ssh that reach a host as a deploy does. What the config leaves open, the ssh config decides. */
export function sshArguments(host: Host, ssh: SshConfig, command?: string): readonly string[] {
  const user = host.user ?? ssh.user
  const port = host.port ?? ssh.port
  return [
    ...(ssh.config === false ? ['-F', 'none'] : ssh.config === '~/.ssh/config' ? [] : ['-F', ssh.config]),
    ...(user === undefined ? [] : ['-l', checkedUser(user, host.name)]),
    ...(port === undefined ? [] : ['-p', String(checkedPort(port, host.name))]),
    ...(ssh.identityFile ?? []).flatMap((file) => option('IdentityFile', quoted(file))),
    ...(ssh.agent ? [] : [...option('IdentityAgent', 'none'), ...option('IdentitiesOnly', 'yes')]),
    ...(ssh.knownHosts === undefined
      ? []
      : [
          ...option('UserKnownHostsFile', ssh.knownHosts.map(quoted).join(' ')),
          ...option('GlobalKnownHostsFile', '/dev/null'),
        ]),
    ...(ssh.hostKeys === undefined
      ? []
      : option('StrictHostKeyChecking', ssh.hostKeys === 'strict' ? 'yes' : 'accept-new')),
    ...(ssh.connectTimeout === undefined ? [] : option('ConnectTimeout', inSeconds(ssh.connectTimeout))),
    ...(ssh.keepalive === undefined ? [] : option('ServerAliveInterval', inSeconds(ssh.keepalive))),
    '--',
    checkedHost(host.address, host.name),
    ...(command === undefined ? [] : [command]),
  ]
}

const option = (key: string, value: string): readonly string[] => ['-o', `${key}=${value}`]
const inSeconds = (ms: number): string => String(Math.max(1, Math.ceil(ms / 1000)))

/** ssh splits file names at spaces; within quotes it doesn't. It knows no way to write a quote. */
function quoted(file: string): string {
  if (!/[\s"#]/.test(file)) return file
  if (file.includes('"'))
    throw new DeliverError('usage', `ssh: ${JSON.stringify(file)} has a quote, which ssh can't take`, {
      fix: 'Rename the file.',
    })
  return `"${file}"`
}

/** How an interactive session ended: ssh's own failure is 255. */
export async function openTerminal(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('ssh', [...args], { stdio: 'inherit', env })
    child.once('error', (cause) =>
      reject(
        new DeliverError('failed', `ssh can't be started: ${cause.message}`, {
          cause,
          fix: 'Install the OpenSSH client.',
        }),
      ),
    )
    child.once('close', (code, signal) => resolve(code ?? (signal === null ? 255 : 128)))
  })
}
