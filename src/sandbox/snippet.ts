import { dirname } from 'node:path'
import { storeOf } from './directory.js'
import type { Sandbox } from './sandbox.js'

/** What a person needs to deploy to a sandbox: a config to copy, unless it was `written` to a file, and how to look around. */
export function describeSandbox(sandbox: Sandbox, written?: string): string {
  const { config, hosts, identityFile, knownHostsFile } = sandbox
  const ssh =
    hosts[0] === undefined ? '' : sshCommand(hosts[0].sshPort, config.ssh.user, identityFile, knownHostsFile)
  const rows = hosts.map(
    ({ name, sshPort, appPort, directory }) =>
      `  ${name}  ssh 127.0.0.1:${sshPort}  app http://127.0.0.1:${appPort}/  ${directory}`,
  )
  return [
    `${hosts.length} ${hosts.length === 1 ? 'host runs' : 'hosts run'} on this machine:`,
    ...rows,
    `  keys and known_hosts: ${dirname(identityFile)}`,
    '',
    ...(written === undefined
      ? ['deliver.config.ts for them (with an app and a store of yours):', '', sandboxConfigText(sandbox)]
      : [`Their config: ${written}`, '']),
    'Look around on a host:',
    `  ${ssh} service status`,
    '',
    'Ctrl-C stops the hosts and their apps; their files, keys and releases stay for the next time, unless it is started with --fresh.',
    '',
  ].join('\n')
}

export function sandboxConfigText({ config, directory }: Sandbox): string {
  const parts = Object.entries(config).map(([key, value]) => `  ${key}: ${literal(value, 2)},`)
  return [
    "import { defineConfig } from 'deliver-cli'",
    '',
    'export default defineConfig({',
    "  app: 'hello',",
    `  store: { directory: ${quoted(storeOf(directory))} },`,
    ...parts,
    '})',
    '',
  ].join('\n')
}

/** A value as people write it in TypeScript. */
function literal(value: unknown, indent: number): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object' || value === null) return String(value)
  const pad = ' '.repeat(indent)
  if (Array.isArray(value)) {
    return `[\n${value.map((item) => `${pad}  ${literal(item, indent + 2)},\n`).join('')}${pad}]`
  }
  const pairs = Object.entries(value).map(([key, item]) => `${key}: ${literal(item, indent)}`)
  return `{ ${pairs.join(', ')} }`
}

function quoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

function sshCommand(port: number, user: string, identityFile: string, knownHostsFile: string): string {
  return `ssh -F none -i ${shell(identityFile)} -o UserKnownHostsFile=${shell(knownHostsFile)} -p ${port} ${user}@127.0.0.1`
}

/** For people to copy into a shell; paths of this machine only. */
function shell(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
