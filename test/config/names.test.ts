import { describe, expect, test } from 'vitest'
import * as names from '../../src/config/names.js'

const rules: readonly (readonly [string, names.Rule, readonly string[], readonly string[]])[] = [
  [
    'app',
    names.appName,
    ['api', 'a', 'API-2.x_y'],
    ['', '-a', '.', '..', 'a..b', 'a/b', 'a b', 'a\n', 'ä', 'x'.repeat(65)],
  ],
  ['environment', names.environmentName, ['production', 'eu-1'], ['', '../x', 'a b', '.hidden']],
  [
    'user',
    names.userName,
    ['deploy', '_www', 'a-b_1'],
    ['', 'Deploy', '-x', '1a', 'a b', 'a;b', 'root\n', 'x'.repeat(33)],
  ],
  ['unit', names.unitName, ['api', 'worker@1.service', 'a:b'], ['', '-a', 'a b', 'a/b', '$(id)', 'a\n', '*']],
  ['job', names.jobName, ['api', 'api-2'], ['', '--help', 'a/b', 'a b']],
  ['pm2', names.pm2Name, ['api', 'api-1'], ['', 'all', '0', '12', '-a', 'a b']],
  ['variable', names.variableName, ['NODE_ENV', '_x'], ['', '1A', 'A-B', 'A=B', 'A B', 'A\n']],
  ['header', names.headerName, ['X-Health', 'Host'], ['', 'A B', 'A:', 'A\r\nB', 'ä']],
  [
    'host',
    names.hostName,
    ['web1', 'web_1', 'a.b.example.com', 'a.', '10.0.0.1', '::1', '2001:db8::1', '0web'],
    [
      ...[
        '',
        '-oProxyCommand=id',
        'a b',
        'a;b',
        '$(id)',
        'a..b',
        '.a',
        'a/b',
        'web-',
        '999.1.1.1',
        '1.2.3',
        'fe80::1%eth0',
      ],
      ...['[::1]', 'u@h', 'h:22', 'h\n', 'x'.repeat(64), `${'a.'.repeat(127)}aa`],
    ],
  ],
]

describe.each(rules)('%s', (_, rule, right, wrong) => {
  test.each(right)('%j', (text) => {
    expect(rule(text)).toBeUndefined()
  })
  test.each(wrong)('%j is refused, with advice', (text) => {
    expect(rule(text)).toMatch(/\. \S/)
  })
})

test('a host with login and port is told how to write them', () => {
  expect(names.hostName('deploy@web1')).toContain('Write { host: "web1"')
  expect(names.hostName('web1:2222')).toContain('port: 22')
})

test('commands may have several lines, but no NUL', () => {
  expect(names.command('a\nb')).toBeUndefined()
  expect(names.command('a\0b')).toContain('NUL')
  expect(names.command('  ')).toContain('empty')
})
