import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { loadKeyPair } from './directory.js'
import { loginEnvironment, writeHostDirectory } from './host-directory.js'
import { startSshServer } from './server.js'

export interface SandboxHost {
  readonly name: string
  readonly sshPort: number
  /** The port on which this host's app really listens. */
  readonly appPort: number
  /** The host's home directory. */
  readonly directory: string
}

export interface RunningHost {
  readonly host: SandboxHost
  /** The host's own key, in the one-line form. */
  readonly publicKey: string
  /** Ends the server and its commands, then the app. */
  stop(): Promise<void>
}

export interface HostStart {
  readonly name: string
  /** The sandbox's directory; the host gets a directory of its name in it. */
  readonly sandboxDirectory: string
  readonly clientKey: string
  /** The app's port as the config names it. */
  readonly declaredPort: number
  /** Shell command that starts the app. */
  readonly start: string
  readonly wantedSshPort: number | undefined
}

export async function startHost(options: HostStart): Promise<RunningHost> {
  const { name, sandboxDirectory } = options
  const { privateKey, publicKey } = await loadKeyPair(sandboxDirectory, name)
  const directory = join(sandboxDirectory, name)
  const environment = loginEnvironment(directory, sandboxDirectory)
  const server = await startSshServer({
    hostKey: privateKey,
    clientKey: options.clientKey,
    place: { directory, environment },
    declaredPort: options.declaredPort,
    wantedSshPort: options.wantedSshPort,
  })
  const host = { name, directory, ...server.ports }
  const stop = async () => {
    await server.stop()
    await stopApp(directory, environment)
  }
  try {
    await writeHostDirectory(host, options.start)
    return { host, publicKey, stop }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** By the host's own script: it knows which process is the app, and gives it time to finish its requests. */
async function stopApp(directory: string, environment: Record<string, string>): Promise<void> {
  await promisify(execFile)('/bin/sh', [join(directory, 'bin', 'service'), 'stop'], { env: environment })
}
