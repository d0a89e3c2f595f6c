import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command } from './command.js'
import { freePort } from './free-port.js'
import { makeKeyFiles, Sshd } from './sshd.js'

/** A host that is a real sshd on 127.0.0.0/8 with a home of its own; the machine behind all of them is this one. */
export interface LoopbackHost {
  readonly name: string
  readonly address: string
  readonly port: number
  /** Where a login lands, with `service restart|stop` and `healthy`. */
  readonly home: string
  /** `address:port` of its app. */
  readonly app: string
  readonly sshd: Sshd
}

export interface LoopbackRig {
  readonly hosts: readonly LoopbackHost[]
  readonly identityFile: string
  readonly knownHostsFile: string
  stop(): Promise<void>
}

/** What an operator would write for an app without a service manager. */
function serviceScript(home: string, port: number): string {
  return `#!/bin/sh
# service restart|stop: the app of this host, stopped gracefully, started detached.
set -eu
cd '${home}'
if [ -f app.pid ]; then
  kill -TERM "$(cat app.pid)" 2>/dev/null || :
  tries=0
  while kill -0 "$(cat app.pid)" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
  rm -f app.pid
fi
[ "$1" = restart ] || exit 0
cd -P app/current
PORT=${port} setsid '${process.execPath}' server.js >>'${home}/app.log' 2>&1 </dev/null &
echo $! >'${home}/app.pid'
`
}

const healthScript = (port: number) => `#!/bin/sh
exec curl -fsS --max-time 2 -o /dev/null http://127.0.0.1:${port}/health
`

/** What a login gets: words of a shell, e.g. `exec tcsh -c`, that take the command line as their next argument. */
export type LoginShell = (number: number) => string

export async function startLoopbackHosts(
  count: number,
  shell: LoginShell = () => 'exec /bin/sh -c',
): Promise<LoopbackRig> {
  const directory = await mkdtemp(join(tmpdir(), 'loopback-'))
  const client = await makeKeyFiles(join(directory, 'client'))
  const hosts: LoopbackHost[] = []
  const stop = async () => {
    for (const host of hosts) {
      await command(join(host.home, 'service'), ['stop'])
      await host.sshd.stop()
    }
    await rm(directory, { recursive: true, force: true })
  }
  try {
    for (let number = 1; number <= count; number += 1)
      hosts.push(await startHost(directory, number, { client: client.public, shell: shell(number) }))
    const knownHostsFile = join(directory, 'known_hosts')
    const keys = await Promise.all(
      hosts.map(async ({ name, address, port }) => {
        const [type, key] = (await readFile(join(directory, `${name}.key.pub`), 'utf8')).split(' ')
        return `[${address}]:${port} ${type} ${key}\n`
      }),
    )
    await writeFile(knownHostsFile, keys.join(''))
    return { hosts, identityFile: client.path, knownHostsFile, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startHost(
  directory: string,
  number: number,
  login: { readonly client: string; readonly shell: string },
): Promise<LoopbackHost> {
  const name = `loop${number}`
  const address = `127.0.77.${number}`
  const home = join(directory, name)
  const [port, appPort] = [await freePort(address), await freePort('127.0.0.1')]
  await mkdir(home)
  await writeFile(join(home, 'service'), serviceScript(home, appPort))
  await writeFile(join(home, 'healthy'), healthScript(appPort))
  for (const script of ['service', 'healthy']) await chmod(join(home, script), 0o755)
  const sshd = await Sshd.start({
    directory: join(directory, `${name}.sshd`),
    address,
    port,
    hostKeys: [await makeKeyFiles(join(directory, `${name}.key`))],
    clients: [login.client],
    // All log in as one user; the home is what makes a host its own.
    settings: {
      ForceCommand: `cd ${home} && export HOME=${home} && ${login.shell} "$SSH_ORIGINAL_COMMAND"`,
    },
  })
  return { name, address, port, home, app: `127.0.0.1:${appPort}`, sshd }
}
