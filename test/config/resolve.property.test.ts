import fc from 'fast-check'
import { expect, test } from 'vitest'
import { resolveConfig } from '../../src/config/resolve.js'

/** A config that is fine. */
const good = {
  app: 'api',
  store: { directory: '/mnt/builds' },
  fleet: { hosts: ['web1', { host: '10.0.0.2', port: 22, labels: { zone: 'a' } }] },
  ssh: { user: 'deploy', keepalive: '15s' },
  target: { path: '/srv/api', shared: ['log'], keep: 5 },
  service: { systemd: 'api' },
  rollout: { batch: '1,25%', canary: { hosts: 1, bake: '5m' }, guard: '5m' },
  health: { http: { url: 'http://localhost:3000/health', status: [200] }, deadline: '60s' },
  hooks: { beforeStage: [{ run: 'df', on: 'hosts' }] },
  environments: { staging: { fleet: { hosts: ['stage1'] } } },
}

/** Paths of all values in a tree of objects and lists. */
function pathsIn(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, each]) => pathsIn(each, [...path, key]))]
}

function planted(value: unknown, [key, ...rest]: readonly string[], what: unknown): unknown {
  if (key === undefined) return what
  if (Array.isArray(value))
    return value.map((each: unknown, at) => (String(at) === key ? planted(each, rest, what) : each))
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return Object.fromEntries(
    entries.map(([name, each]) => [name, name === key ? planted(each, rest, what) : each]),
  )
}

const anything = fc.anything({ maxDepth: 3, withBigInt: true, withDate: true, withNullPrototype: true })

test('the one that is changed here is fine', () => {
  expect(resolveConfig({ exported: good, environment: undefined, overrides: [] }).problems).toEqual([])
})

test('whatever stands at any place: a config, or problems that are told, and never an exception', () => {
  fc.assert(
    fc.property(fc.constantFrom(...pathsIn(good)), anything, (path, what) => {
      const exported = planted(good, path, what)
      const { config, problems } = resolveConfig({ exported, environment: undefined, overrides: [] })
      expect(config === undefined).toBe(problems.length > 0)
      for (const { text } of problems) expect(text).not.toMatch(/[^\P{Cc}\n\t]/u)
    }),
  )
})

test('whatever key is added is told by its name', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), anything, (key, what) => {
      fc.pre(
        !(key in good) &&
          !['build', 'archive', 'boot', 'environment', '__proto__'].includes(key) &&
          what !== undefined,
      )
      const { config } = resolveConfig({
        exported: { ...good, [key]: what },
        environment: undefined,
        overrides: [],
      })
      expect(config).toBeUndefined()
    }),
  )
})
