import { describe, expect, test } from 'vitest'
import { unproved, wrongListener, wrongProcess, type Proof } from '../../../src/execute/health/identity.js'
import type { ServiceFacts } from '../../../src/remote/facts.js'

describe('the process that answers', () => {
  const first: ServiceFacts = { active: true, pid: 10, started: '100', restarts: 0, release: 'v2' }
  test.each<[string, ServiceFacts, ServiceFacts | undefined, RegExp | undefined]>([
    ['is the new one', first, undefined, undefined],
    ['is the same as before', first, first, undefined],
    ['does not run', { active: false, state: 'failed' }, undefined, /failed/],
    ['runs the old release still', { ...first, release: 'v1' }, undefined, /still runs v1/],
    ['is another one than before', { ...first, pid: 11 }, first, /restarted by itself/],
    ['has the number of the one before', { ...first, started: '200' }, first, /restarted by itself/],
    ['was restarted by its manager', { ...first, restarts: 1 }, first, /restarted by itself/],
    ['is not known', {}, first, undefined],
    ['shows only now', first, { active: true }, /only now/],
  ])('%s', (_, now, before, expected) => {
    const wrong = wrongProcess(now, 'v2', before)
    if (expected === undefined) expect(wrong).toBeUndefined()
    else expect(wrong).toMatch(expected)
  })
})

describe('the process that has the port', () => {
  test.each<[string, ServiceFacts['listener'], RegExp | undefined]>([
    ['is not known', undefined, undefined],
    ['runs the release', { pid: 5, release: 'v2', belongs: true }, undefined],
    ['runs the release, started by somebody else', { pid: 5, release: 'v2', belongs: false }, undefined],
    ['is of the service, in a directory of its own', { pid: 5, belongs: true }, undefined],
    ['may be of the service', { pid: 5 }, undefined],
    ['runs the old release', { pid: 5, release: 'v1', belongs: false }, /old process.*pid 5.*runs v1/],
    ['runs the old release, a child of the service', { pid: 5, release: 'v1', belongs: true }, /runs v1/],
    ['is a proxy', { pid: 5, name: 'nginx', belongs: false }, /another process.*pid 5 \(nginx\)/],
  ])('%s', (_, listener, expected) => {
    const wrong = wrongListener(listener === undefined ? {} : { listener }, 'v2')
    if (expected === undefined) expect(wrong).toBeUndefined()
    else expect(wrong).toMatch(expected)
  })
})

describe('that the new release answered is', () => {
  const asked: Proof = { release: 'v2', manager: 'systemd', port: 80 }
  const unasked: Proof = { release: 'v2', manager: 'systemd', port: undefined }
  test.each<[string, ServiceFacts | undefined, Proof, RegExp | undefined]>([
    [
      'proved by the directory of the listener',
      { listening: true, listener: { pid: 5, release: 'v2' } },
      asked,
      undefined,
    ],
    [
      'proved by its belonging to the service',
      { listening: true, listener: { pid: 5, belongs: true } },
      asked,
      undefined,
    ],
    ['not known of a host that tells nothing', undefined, asked, /does not tell/],
    [
      'not known of a listener without a place',
      { listening: true, listener: { pid: 5 } },
      asked,
      /directory/,
    ],
    ['not known of a listener of another user', { listening: true }, asked, /another user/],
    ['not known where nobody listens', { listening: false }, asked, /nobody listens on port 80/],
    [
      'proved by the directory of the service',
      { release: 'v2' },
      { ...unasked, manager: 'command' },
      undefined,
    ],
    ['proved by a manager that made it', { pid: 7 }, unasked, undefined],
    ['not known without a process', {}, unasked, /not known/],
    ['not known after a restart command', {}, { ...unasked, manager: 'command' }, /restart command/],
    ['not known without a service', {}, { ...unasked, manager: undefined }, /no service/],
  ])('%s', (_, seen, proof, expected) => {
    const why = unproved(seen, proof)
    if (expected === undefined) expect(why).toBeUndefined()
    else expect(why).toMatch(expected)
  })
})
