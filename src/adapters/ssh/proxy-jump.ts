import { DeliverError } from '../../errors.js'
import { checkedHost, checkedPort, checkedUser } from './names.js'
import type { ConfigAnswer } from './ssh-config.js'

/** One hop as ProxyJump writes it: `[user@]host[:port]`, perhaps as an `ssh://` URL. */
export interface Jump {
  readonly address: string
  readonly user?: string
  readonly port?: number
}

/** The hops that the ssh config asks for, in the order in which they are passed. */
export function jumpsOf(answer: ConfigAnswer, label: string): readonly Jump[] {
  const command = answer.values.get('proxycommand')
  if (command !== undefined && command.args[0]?.toLowerCase() !== 'none') {
    throw new DeliverError(
      'usage',
      `${label}, ${command.at}: ProxyCommand is not supported by the client ssh2`,
      {
        fix: "Set ssh.client to 'openssh' or 'auto', use ProxyJump for this host, or set ssh.config to another file (or to false).",
      },
    )
  }
  return hopsOf(answer, label)
}

/** The hops of ProxyJump, whatever else the config says. */
export function hopsOf(answer: ConfigAnswer, label = 'the ssh config'): readonly Jump[] {
  const jump = answer.values.get('proxyjump')
  if (jump === undefined || jump.args[0]?.toLowerCase() === 'none') return []
  return jump.args
    .join(',')
    .split(',')
    .filter(Boolean)
    .map((hop) => parseJump(hop.trim(), `${label}, ${jump.at}`))
}

function parseJump(text: string, source: string): Jump {
  const spec = text.replace(/^ssh:\/\//, '')
  const [, user, bracketed, plain, port] = /^(?:(.+)@)?(?:\[([^\]]+)\]|([^:]+))(?::(.+))?$/.exec(spec) ?? []
  const address = checkedHost(bracketed ?? plain ?? spec, source)
  return {
    address,
    ...(user === undefined ? {} : { user: checkedUser(user, source) }),
    ...(port === undefined ? {} : { port: checkedPort(port, source) }),
  }
}
