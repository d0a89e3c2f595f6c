import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { command } from '../../src/notify/command.js'
import { Redactor } from '../../src/secrets/redactor.js'
import { scratchDirectory } from '../sandbox/scratch.js'
import { failed, started } from './examples.js'

const never = new AbortController().signal
const { PATH } = process.env

async function run(text: string, env: Readonly<Record<string, string>> = {}) {
  const directory = await scratchDirectory()
  const channel = command({
    ...{ run: text, directory, env: { PATH, ...env }, own: { OWN: 'own value' }, timeout: 20_000 },
    redactor: new Redactor(),
  })
  return { directory, channel }
}

test('it is told by variables, and by JSON on its input', async () => {
  const { directory, channel } = await run('cat >input; env | grep -E "^(DELIVER_|OWN)" | sort >variables', {
    DELIVER_CODE: '99',
  })
  await channel.send(started, never)
  expect(JSON.parse(readFileSync(join(directory, 'input'), 'utf8'))).toEqual(started)
  expect(readFileSync(join(directory, 'variables'), 'utf8').trim().split('\n')).toEqual([
    'DELIVER_APP=api',
    'DELIVER_BY=alice@ci',
    'DELIVER_COMMAND=deploy',
    'DELIVER_ENVIRONMENT=production',
    'DELIVER_EVENT=started',
    'DELIVER_JOB=deploy-api #42',
    'DELIVER_JOB_URL=https://ci.example.com/job/42',
    'DELIVER_PREVIOUS=v41',
    'DELIVER_RELEASE=v42',
    'DELIVER_TEXT=deploy of v42 to production has begun',
    'OWN=own value',
  ])
})

test('values are never read by the shell as code', async () => {
  const { directory, channel } = await run('printf %s "$DELIVER_TEXT" >text')
  const text = '$(touch made) `touch made` ; touch made'
  await channel.send({ ...failed, text }, never)
  expect(readFileSync(join(directory, 'text'), 'utf8')).toBe(text)
  expect(() => readFileSync(join(directory, 'made'))).toThrow('ENOENT')
})

test('one that does not read its input is fine; one that fails says how, with its last line', async () => {
  const quiet = await run('exec 0<&-; exit 0')
  await quiet.channel.send({ ...failed, text: 'x'.repeat(1_000_000) }, never)
  const bad = await run('echo no such channel >&2; exit 3')
  await expect(bad.channel.send(failed, never)).rejects.toThrow('failed with exit code 3: no such channel')
})
