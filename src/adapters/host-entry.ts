import { isIPv6 } from 'node:net'
import { DeliverError } from '../errors.js'
import type { Host } from '../ports.js'

/**
 * Turns entries of a fleet (`web1`, `deploy@web1:2222`, `[::1]:22`, `{ host, port, user, name, labels }`) into hosts. Pure.
 * `where` names the list in errors. Entries may come from a function, so they are checked whatever their type says.
 */
export function parseHosts(where: string, entries: unknown): readonly Host[] {
  if (!Array.isArray(entries)) throw wrong(where, `expected a list of hosts, got ${typeof entries}`)
  const parsed = entries.map((entry: unknown, i) => parseEntry(`${where}[${i}]`, entry))
  const hosts = parsed.map((host): Host => {
    const shared = parsed.filter((other) => other.address === host.address).length > 1
    const name =
      host.name ?? (shared && host.port !== undefined ? `${host.address}:${host.port}` : host.address)
    return { ...host, name }
  })
  refuseDuplicates(where, hosts)
  return hosts
}

type Entry = Omit<Host, 'name'> & { readonly name?: string }

// A name of DNS or of the user's ssh config. It must not look like an option, or be more than one word.
const address = /^[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?\.?$/
const user = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/
const name = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,199}$/
const label = /^[\w./:@+-]{1,200}$/

function parseEntry(where: string, entry: unknown): Entry {
  if (typeof entry === 'string') return parseText(where, entry)
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw wrong(where, 'expected a text such as "deploy@web1:22", or an object with "host"')
  }
  const fields = new Map<string, unknown>(Object.entries(entry).filter(([, value]) => value !== undefined))
  const unknown = [...fields.keys()].find((key) => !['host', 'name', 'port', 'user', 'labels'].includes(key))
  if (unknown !== undefined)
    throw wrong(`${where}.${unknown}`, 'no such option; there are host, name, port, user, labels')
  const host = fields.get('host')
  if (typeof host !== 'string') throw wrong(`${where}.host`, 'expected a text')
  return {
    ...parseText(`${where}.host`, host),
    ...(fields.has('name') ? { name: checked(`${where}.name`, fields.get('name'), name) } : {}),
    ...(fields.has('port') ? { port: parsePort(`${where}.port`, fields.get('port')) } : {}),
    ...(fields.has('user') ? { user: checked(`${where}.user`, fields.get('user'), user) } : {}),
    labels: parseLabels(`${where}.labels`, fields.get('labels')),
  }
}

function parseText(where: string, text: string): Entry {
  const at = text.lastIndexOf('@')
  const login = at === -1 ? {} : { user: checked(where, text.slice(0, at), user) }
  const rest = text.slice(at + 1)
  if (rest.includes(':') && isIPv6(rest)) return { address: rest, ...login, labels: {} }
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(rest)
  const plain = /^([^:]*)(?::(.*))?$/s.exec(rest)
  const [, host = '', port] = bracketed ?? plain ?? []
  if (bracketed === null ? !address.test(host) : !isIPv6(host)) {
    throw wrong(
      where,
      `${JSON.stringify(text)} is no host: expected host, user@host, user@host:port or [IPv6]:port`,
    )
  }
  return {
    address: host,
    ...login,
    ...(port === undefined ? {} : { port: parsePort(where, port) }),
    labels: {},
  }
}

function parsePort(where: string, value: unknown): number {
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value
  if (typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw wrong(where, `${JSON.stringify(value)} is no port: expected 1 to 65535`)
}

function parseLabels(where: string, value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(where, 'expected an object of texts')
  const pairs = Object.entries(value).map(([key, text]: [string, unknown]): [string, string] => {
    if (!label.test(key)) throw wrong(where, `${JSON.stringify(key)} can't be a label's name`)
    return [key, checked(`${where}.${key}`, text, label)]
  })
  return Object.fromEntries(pairs)
}

function checked(where: string, value: unknown, pattern: RegExp): string {
  if (typeof value === 'string' && pattern.test(value)) return value
  throw wrong(where, `${JSON.stringify(value) ?? 'undefined'} is not allowed here`)
}

function refuseDuplicates(where: string, hosts: readonly Host[]): void {
  const names = new Map<string, number>()
  const addresses = new Map<string, number>()
  for (const [i, host] of hosts.entries()) {
    // DNS doesn't tell upper from lower case.
    const target = `${host.address.toLowerCase()} ${host.port ?? ''}`
    const same = names.get(host.name) ?? addresses.get(target)
    if (same !== undefined)
      throw wrong(`${where}[${i}]`, `${host.name} is the same host as ${where}[${same}]`)
    names.set(host.name, i)
    addresses.set(target, i)
  }
}

function wrong(where: string, problem: string): DeliverError {
  return new DeliverError('usage', `${where}: ${problem}`, {
    fix: 'Correct the list of hosts in the config.',
  })
}
