import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../docs/pages.js'
import { scratchDirectory } from '../../sandbox/scratch.js'
import { command } from '../rig/command.js'
import { startMoto, type Moto } from '../rig/moto.js'

/** examples/static-site with its own files, S3 as an emulator speaks it, and a real s3cmd. */
let moto: Moto
let home: string
beforeAll(async () => {
  moto = await startMoto()
  home = await scratchDirectory()
  const { host } = new URL(moto.endpoint)
  const { AWS_ACCESS_KEY_ID: key = '', AWS_SECRET_ACCESS_KEY: secret = '' } = moto.env
  const settings = {
    access_key: key,
    secret_key: secret,
    host_base: host,
    host_bucket: host,
    use_https: 'False',
    bucket_location: 'eu-west-1',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`)
  writeFileSync(join(home, '.s3cfg'), `[default]\n${lines.join('')}`)
  mkdirSync(join(home, 'bin'))
  const program = `#!/bin/sh\nexec '${process.execPath}' '${root}/bin/deliver.js' "$@"\n`
  writeFileSync(join(home, 'bin', 'deliver'), program, { mode: 0o755 })
  cpSync(join(root, 'examples/static-site'), join(home, 'site'), { recursive: true })
  await run(
    'git init -q && git config user.name dev && git config user.email dev@localhost && echo dist >.gitignore',
  )
  for (const bucket of ['example-builds', 'www.example.com']) await run(`s3cmd mb s3://${bucket}`)
})
afterAll(() => moto.stop())

async function run(line: string, own: Readonly<Record<string, string>> = {}): Promise<string> {
  const PATH = `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`
  const { code, stdout, stderr } = await command('sh', ['-ec', line], {
    cwd: join(home, 'site'),
    env: { PATH, HOME: home, CI: 'true', ...moto.env, AWS_ENDPOINT_URL: moto.endpoint, ...variables, ...own },
  })
  expect(code, `${line}\n${stdout}${stderr}`).toBe(0)
  return stdout
}

const variables = {
  STORE: 's3://example-builds/apps',
  SITE: 's3://www.example.com',
  // The emulator has one address for all buckets.
  DELIVER_STORE_S3_FORCE_PATH_STYLE: 'true',
}

const page = () => run('s3cmd get --quiet --force "$SITE/index.html" - 2>/dev/null')

test('a release goes live, the next one too, and the old one again, without building it again', async () => {
  await run('git add -A && git commit -qm "The first page"')
  await run('./build.sh', { TAG: 'v1' })
  expect(await run('./go-live.sh v1')).toContain('v1 is live')
  expect(await page()).toContain('<h1>The first page</h1>')
  await run('echo old | s3cmd put --quiet - "$SITE/old.html"')

  await run('git commit -q --allow-empty -m "The second page"')
  await run('./build.sh', { TAG: 'v2' })
  expect(await page()).toContain('The first page')
  await run('./go-live.sh v2')
  expect(await page()).toContain('The second page')
  expect(await run('s3cmd ls "$SITE/"')).not.toContain('old.html')

  await run('./go-live.sh v1')
  expect(await page()).toContain('The first page')
})

test('a release that is not there leaves the site as it is', async () => {
  const before = await page()
  await run('! ./go-live.sh v9')
  expect(await page()).toBe(before)
})
