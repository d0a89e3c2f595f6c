import { describe, expect, test } from 'vitest'
import { readHostList } from '../../src/config/host-list.js'
import { DeliverError } from '../../src/errors.js'

test('a list of hosts', () => {
  expect(readHostList(['web1', { host: '::1', name: 'web2', user: undefined }])).toEqual([
    'web1',
    { host: '::1', name: 'web2' },
  ])
  expect(readHostList([])).toEqual([])
})

describe('what is none', () => {
  test.each<readonly [unknown, string]>([
    [undefined, 'fleet(): is missing. Write a list'],
    [{ hosts: ['web1'] }, 'fleet(): is an object. Write a list'],
    [['web1', 'web1'], 'fleet()[1]: "web1" is the name of host [0] too'],
    [['-oProxyCommand=x'], 'fleet()[0]: "-oProxyCommand=x" is no host'],
    [[{ host: 'a', port: 99999 }], 'fleet()[0].port: 99999 is out of range'],
    [[{ host: 'a', usr: 'b' }], 'fleet()[0].usr: unknown key. Did you mean "user"?'],
  ])('%j', (returned, expected) => {
    expect(() => readHostList(returned)).toThrow(DeliverError)
    expect(() => readHostList(returned)).toThrow(expected)
  })
})
