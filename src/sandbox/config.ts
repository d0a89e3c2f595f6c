import { serviceLog, servicePidFile, targetPath } from './service-script.js'
import type { SandboxHost } from './host.js'

/** The part of a deliver config that names the hosts of a sandbox; the app's own keys go beside it. */
export interface SandboxConfig {
  readonly fleet: {
    readonly hosts: { name: string; host: string; port: number }[]
  }
  readonly ssh: {
    readonly user: string
    readonly identityFile: string
    readonly knownHosts: string
    /** Nothing of the user's own ssh config or agent has a part in it. */
    readonly config: false
    readonly agent: false
  }
  readonly target: { readonly path: string }
  readonly service: {
    readonly restart: string
    readonly stop: string
    readonly pidFile: string
    readonly log: string
  }
  readonly health: { readonly http: string; readonly minUptime: string }
}

export interface SandboxAccess {
  readonly address: string
  readonly user: string
  readonly hosts: readonly SandboxHost[]
  readonly identityFile: string
  readonly knownHostsFile: string
  readonly appPort: number
}

export function configFor(access: SandboxAccess): SandboxConfig {
  return {
    fleet: {
      hosts: access.hosts.map(({ name, sshPort }) => ({ name, host: access.address, port: sshPort })),
    },
    ssh: {
      user: access.user,
      identityFile: access.identityFile,
      knownHosts: access.knownHostsFile,
      config: false,
      agent: false,
    },
    target: { path: targetPath },
    service: { restart: 'service restart', stop: 'service stop', pidFile: servicePidFile, log: serviceLog },
    // Shorter than one would want in production: nobody waits for a sandbox.
    health: { http: `http://localhost:${access.appPort}/health`, minUptime: '2s' },
  }
}
