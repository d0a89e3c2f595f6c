import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { sshArguments } from '../../../src/adapters/ssh/interactive.js'

const host = { name: 'web1', address: '10.0.0.1', labels: {} }
const ssh = { config: '~/.ssh/config', agent: true, retries: 0, concurrency: 1 } as const

test('what the config leaves open, the ssh config decides', () => {
  expect(sshArguments(host, ssh)).toEqual(['--', '10.0.0.1'])
})

test('the real ssh reads every setting as it was meant', () => {
  const all = {
    ...ssh,
    config: false,
    agent: false,
    user: 'deploy',
    identityFile: ['/keys/with space', '~/id'],
    knownHosts: ['/known/with space', '/known/b'],
    hostKeys: 'strict',
    connectTimeout: 5000,
    keepalive: 15_500,
  } as const
  const args = sshArguments({ ...host, port: 2222 }, all, 'uptime')
  expect(args.slice(-3)).toEqual(['--', '10.0.0.1', 'uptime'])
  const shown = execFileSync('ssh', ['-G', ...args.slice(0, -1)], { encoding: 'utf8' }).split('\n')
  for (const line of [
    'user deploy',
    'port 2222',
    'hostname 10.0.0.1',
    'identityfile /keys/with space',
    'identityfile ~/id',
    'identityagent none',
    'identitiesonly yes',
    'userknownhostsfile /known/with space /known/b',
    'globalknownhostsfile /dev/null',
    'connecttimeout 5',
    'serveraliveinterval 16',
  ])
    expect(shown, shown.join('\n')).toContain(line)
  expect(shown.find((line) => line.startsWith('stricthostkeychecking'))).toMatch(/true|yes/)
})

test('what would be read as an option is refused', () => {
  expect(() => sshArguments({ ...host, address: '-oProxyCommand=x' }, ssh)).toThrow()
  expect(() => sshArguments({ ...host, user: '-x' }, ssh)).toThrow()
  expect(() => sshArguments(host, { ...ssh, identityFile: ['a"b'] })).toThrow(/quote/)
})
