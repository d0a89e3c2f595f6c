import { userInfo } from 'node:os'
import type { SshConfig } from '../../config/types.js'
import type { Clock } from '../../ports.js'
import type { Reporter } from '../../report/events.js'
import { ConfigFiles } from './config-files.js'
import type { Surroundings } from './destination.js'

export interface SshTransportOptions {
  readonly ssh: SshConfig
  readonly env: NodeJS.ProcessEnv
  /** The home directory of the user who runs deliver. */
  readonly home: string
  /** Where commands of the config run. Default: where deliver does. */
  readonly directory?: string
  /** Told about things in the ssh config that have no effect here. */
  readonly reporter?: Pick<Reporter, 'event'>
  /** For the pauses between attempts. */
  readonly clock?: Pick<Clock, 'sleep'>
}

export function surroundings({ ssh, env, home, directory }: SshTransportOptions): Surroundings {
  return {
    ssh,
    env,
    home,
    directory: directory ?? process.cwd(),
    localUser: localUser(env),
    files: new ConfigFiles(home),
  }
}

/** The system may not know its user's name, as in a container that runs under any number. */
function localUser(env: NodeJS.ProcessEnv): string {
  const name = env['USER'] || env['LOGNAME']
  if (name) return name
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}
