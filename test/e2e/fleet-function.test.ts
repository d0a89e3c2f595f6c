import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Place } from './place.js'

test(
  'a fleet that is a function is asked before every batch; who left is gone',
  { timeout: 120_000 },
  async () => {
    const place = await Place.create(2)
    expect(await place.ship('v1')).toMatchObject({ code: 0 })
    await place.publish('v2')
    const base = JSON.stringify({ ...place.config, fleet: undefined })
    const hosts = JSON.stringify(place.sandbox.config.fleet.hosts)
    const asked = join(place.directory, '..', 'asked')
    writeFileSync(asked, '')
    writeFileSync(
      join(place.directory, 'dynamic.config.mjs'),
      `import { appendFileSync, readFileSync } from 'node:fs'
const hosts = ${hosts}
export default { ...${base}, fleet: async () => {
  appendFileSync(${JSON.stringify(asked)}, '.')
  return readFileSync(${JSON.stringify(asked)}, 'utf8').length < 3 ? hosts : hosts.slice(0, 1)
} }
`,
    )
    const { code, output } = await place.run('-c', 'dynamic.config.mjs', 'deploy', 'v2')
    expect(code, output).toBe(0)
    expect(output).toMatch(/web2.*gone/)
    expect(readFileSync(asked, 'utf8').length).toBeGreaterThanOrEqual(3)
    expect(await place.running()).toEqual(['web1 v2', 'web2 v1'])
  },
)
