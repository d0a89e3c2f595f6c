import { spawn } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { logLine, logSources, type LogReading } from '../../src/remote/follow.js'
import { remoteCommand } from '../../src/remote/wire.js'
import { scratchDirectory } from '../sandbox/scratch.js'

/** Runs the line as a host does. `hold`: stdin stays open until the output has that text. */
async function onHost(
  reading: LogReading,
  path: string,
  hold?: string,
): Promise<{ code: number | null; out: string }> {
  const env = { ...process.env, PATH: `${path}:${process.env.PATH ?? ''}` }
  const child = spawn('sh', ['-c', remoteCommand], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  child.stdin.write(logLine(reading))
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    if (hold !== undefined && out.includes(hold)) child.stdin.end()
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out })))
}

const systemd = { manager: { kind: 'systemd', unit: 'api', user: false }, timeout: 1 } as const

test('a journal is asked for seconds, of the unit, from when it was said', async () => {
  const path = await scratchDirectory()
  writeFileSync(join(path, 'journalctl'), '#!/bin/sh\nprintf "%s " "$@"\n')
  chmodSync(join(path, 'journalctl'), 0o755)
  const [source] = logSources(systemd, [])
  if (source === undefined) throw new Error('no source')
  const plain = await onHost({ source, lines: 5, follow: false, since: { kind: 'time', ms: 1500 } }, path)
  expect(plain).toEqual({ code: 0, out: '-q --no-pager -o short-unix -n 5 --since=@2 -u api ' })
  const age = await onHost({ source, lines: 5, follow: true, since: { kind: 'age', ms: 60_000 } }, path)
  const since = Number(/--since=@(\d+) /.exec(age.out)?.[1])
  expect(Math.abs(Date.now() / 1000 - 60 - since)).toBeLessThan(60)
  expect(age.out).toContain(' -f ')
})

test("a file's reader ends with its connection, and its name is no shell", async () => {
  const directory = await scratchDirectory()
  const file = join(directory, "it's $(touch pwned)\nlog")
  writeFileSync(file, 'one\ntwo\nthree\n')
  const reading = { source: { kind: 'file', file }, lines: 2 } as const
  expect(await onHost({ ...reading, follow: false }, directory)).toEqual({ code: 0, out: 'two\nthree\n' })
  const followed = await onHost({ ...reading, follow: true }, directory, 'three')
  expect(followed.out).toBe('two\nthree\n')
  expect(followed.code).not.toBe(0)
})

test('a log that is not there is a failure', async () => {
  const directory = await scratchDirectory()
  const source = { kind: 'file', file: join(directory, 'none') } as const
  expect((await onHost({ source, lines: 2, follow: false }, directory)).code).toBe(1)
})

test('files come first; a command without one has no log', () => {
  expect(logSources(systemd, ['/a'])).toEqual([{ kind: 'file', file: '/a' }])
  const command = { manager: { kind: 'command', restart: 'x' }, timeout: 1 } as const
  expect(logSources(command, [])).toEqual([])
})
