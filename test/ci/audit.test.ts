import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../../scripts/audit.js', import.meta.url))

let cache: string
beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), 'audit-'))
})
afterAll(() => rmSync(cache, { recursive: true }))

/** The real npm, asking a registry that answers like this. */
async function audit(status: number, body: object) {
  const registry = createServer((request, response) => {
    const isQuestion = request.url?.includes('/advisories/bulk') === true
    response.writeHead(isQuestion ? status : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isQuestion ? body : {}))
  })
  registry.listen(0, '127.0.0.1')
  await once(registry, 'listening')
  const { port } = registry.address() as AddressInfo
  const env = {
    ...process.env,
    npm_config_registry: `http://127.0.0.1:${port}`,
    npm_config_cache: cache,
  }
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString()))
  const [code] = (await once(child, 'close')) as [number]
  registry.close()
  return { code, output }
}

test.concurrent('no vulnerabilities: 0, and how many packages were asked about', async () => {
  const { code, output } = await audit(200, {})
  expect(code, output).toBe(0)
  expect(output).toMatch(/^\d+ packages at run time, 0 with known vulnerabilities\n$/)
})

test.concurrent('a vulnerability: 1, with its name and where to read about it', async () => {
  const advisory = {
    id: 1,
    url: 'https://advisories.example.com/1',
    title: 'A hole',
    severity: 'high',
    vulnerable_versions: '*',
    cwe: [],
    cvss: { score: 0, vectorString: null },
  }
  const { code, output } = await audit(200, { ssh2: [advisory] })
  expect(code, output).toBe(1)
  expect(output).toContain('high: ssh2')
  expect(output).toContain('A hole https://advisories.example.com/1')
})

test.concurrent('a registry that does not answer: 75, and nothing that reads like good news', async () => {
  const { code, output } = await audit(405, {})
  expect(code, output).toBe(75)
  expect(output).toContain('NOT AUDITED')
  expect(output).not.toContain('0 with known vulnerabilities')
})
