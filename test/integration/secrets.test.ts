import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Place } from '../e2e/place.js'
import { expectNone, leak } from '../fixtures/canary.js'
import { scratchDirectory } from '../sandbox/scratch.js'

/** Without a character that a tracer would write in another way. */
const canary = `canary/arguments+${'a'.repeat(9)}=&`

/** The arguments of every program that this process and its children start until the work is done. */
async function programsDuring(work: () => Promise<void>): Promise<string> {
  const file = join(await scratchDirectory(), 'trace')
  const what = ['-f', '-qq', '-e', 'trace=execve', '-e', 'signal=none', '-s', '1000000']
  const tracer = spawn('strace', [...what, '-o', file, '-p', String(process.pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  tracer.stderr.on('data', (text: Buffer) => (said += text.toString()))
  // It says nothing when it is ready, but a program that is started from then on is in its file.
  await expect
    .poll(
      async () => {
        await once(spawn('true', ['traced']), 'exit')
        return readFileSync(file, { encoding: 'utf8', flag: 'a+' })
      },
      { timeout: 30_000, message: said },
    )
    .toContain('"traced"')
  try {
    await work()
  } finally {
    tracer.kill('SIGINT')
    await once(tracer, 'exit')
  }
  return readFileSync(file, 'utf8')
}

test('no program that a deploy starts, here or on a host, has a secret among its arguments', async () => {
  const place = await Place.create(1, '', { CANARY: canary })
  const token = { secret: { env: 'CANARY' } }
  const { health } = place.config
  place.configure({
    build: { setup: `rm -rf node_modules && cp -R vendor node_modules; ${leak}`, env: { TOKEN: token } },
    hooks: {
      beforeStage: { run: `${leak}; /bin/true here`, env: { TOKEN: token } },
      afterStage: { run: `${leak}; /bin/true there`, on: 'hosts', env: { TOKEN: token } },
    },
    health: {
      ...(typeof health === 'object' ? health : {}),
      // All is slow under a tracer.
      deadline: '90s',
      http: { url: place.sandbox.config.health.http, headers: { authorization: token } },
    },
    target: { ...place.sandbox.config.target, files: { '.env': { env: { TOKEN: token } } } },
  })
  place.change('v1')
  const started = await programsDuring(async () => {
    const { code, output } = await place.run('ship', '--tag', 'v1')
    expect(code, output).toBe(0)
  })
  // Hooks on both sides are among them.
  for (const seen of ['"here"', '"there"', '"ship"']) expect(started).toContain(seen)
  expectNone(canary, 'arguments', started)
})
