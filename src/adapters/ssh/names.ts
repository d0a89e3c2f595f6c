import { isIP } from 'node:net'
import { DeliverError } from '../../errors.js'

/**
 * What may name a host, user and port. The values come from configs, cloud tags and DNS, and end in known_hosts lines, messages
 * and commands that people copy, so they are narrower than what ssh itself would take.
 */
export function checkedHost(name: string, source: string): string {
  const bare = name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name
  const zone = /^(.+)%[A-Za-z0-9_.-]{1,32}$/.exec(bare)
  if (isIP(zone?.[1] ?? bare) !== 0) return bare
  if (
    bare.length <= 253 &&
    /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(bare) &&
    !bare.includes('..')
  )
    return bare
  throw new DeliverError('usage', `${source}: ${JSON.stringify(name)} is not the name or address of a host`, {
    fix: 'Use a DNS name, an IP address or an alias of the ssh config: letters, digits, ".", "_" and "-", not starting with "-".',
  })
}

export function checkedUser(user: string, source: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}\$?$/.test(user)) return user
  throw new DeliverError('usage', `${source}: ${JSON.stringify(user)} is not a user name`, {
    fix: 'Use letters, digits, "_", ".", "@", "+" and "-", not starting with "-".',
  })
}

export function checkedPort(port: number | string, source: string): number {
  const number = typeof port === 'number' ? port : /^\d{1,5}$/.test(port) ? Number(port) : Number.NaN
  if (Number.isInteger(number) && number >= 1 && number <= 65_535) return number
  throw new DeliverError('usage', `${source}: ${JSON.stringify(port)} is not a port`, {
    fix: 'Use a number from 1 to 65535.',
  })
}
