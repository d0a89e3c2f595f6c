import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { installCommand } from '../../src/build/install-command.js'
import { runSetup, type SetupRequest } from '../../src/build/setup.js'
import { recorder, scratchDirectory, write } from './repository.js'

async function setup(
  command: string | undefined,
  options: Partial<SetupRequest> & { timeout?: number; buildEnv?: Record<string, string> } = {},
): Promise<{ directory: string; lines: string[]; command: string }> {
  const directory = options.directory ?? scratchDirectory()
  const reporter = recorder()
  const { timeout = 20_000, buildEnv = {} } = options
  const build = { ...(command === undefined ? {} : { setup: command }), env: buildEnv, timeout }
  const ran = await runSetup({ directory, build, env: { PATH: process.env['PATH'] }, reporter, ...options })
  const lines = reporter.events.flatMap((event) =>
    event.type === 'output' ? [`${event.stream}: ${event.line}`] : [],
  )
  return { directory, lines, command: ran }
}

async function isGone(pidFile: string): Promise<boolean> {
  const pid = Number(readFileSync(pidFile, 'utf8'))
  for (let tries = 0; tries < 100; tries++) {
    try {
      process.kill(pid, 0)
    } catch {
      return true
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return false
}

describe('runSetup', () => {
  it('runs the command in the directory and reports its output by lines', async () => {
    const { directory, lines } = await setup('pwd; echo "a  b" >&2; printf last')
    expect(lines.filter((line) => line.startsWith('stdout'))).toEqual([
      `stdout: ${directory}`,
      'stdout: last',
    ])
    expect(lines).toContain('stderr: a  b')
  })

  it('gives it the environment and build.env over it, and no input', async () => {
    const { lines } = await setup('cat; echo "$A $B"', {
      env: { PATH: process.env['PATH'], A: '1', B: '1' },
      buildEnv: { B: '2' },
    })
    expect(lines).toEqual(['stdout: 1 2'])
  })

  it('tells the exit code and the last lines of a command that fails', async () => {
    const error = setup('for i in $(seq 50); do echo "line $i"; done; exit 7')
    await expect(error).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/exit code 7\. Its last lines:\n {2}line 31\n/) as string,
    })
    await expect(setup('no-such-command-here')).rejects.toMatchObject({
      fix: expect.stringMatching(/Install/) as string,
    })
    await expect(setup('kill -9 $$')).rejects.toThrow(/killed by SIGKILL/)
  })

  it('kills all that the command started when its time is over', async () => {
    const directory = scratchDirectory()
    const started = Date.now()
    await expect(setup('sleep 300 & echo $! > pid; sleep 300', { directory, timeout: 300 })).rejects.toThrow(
      /within 0\.3s/,
    )
    expect(Date.now() - started).toBeLessThan(15_000)
    expect(await isGone(join(directory, 'pid'))).toBe(true)
  })

  it('ends when the command ends, whatever it left in the background', async () => {
    const directory = scratchDirectory()
    const started = Date.now()
    await setup('sleep 60 & echo $! > pid', { directory })
    expect(Date.now() - started).toBeLessThan(15_000)
    process.kill(Number(readFileSync(join(directory, 'pid'), 'utf8')))
  })

  it('stops when it is interrupted', async () => {
    const abort = new AbortController()
    const running = setup('sleep 300', { signal: abort.signal })
    abort.abort()
    await expect(running).rejects.toMatchObject({ kind: 'interrupted' })
  })

  it('passes on output of any amount and form', async () => {
    const { lines } = await setup(
      `head -c 300000 /dev/zero | tr '\\0' x; printf '\\nprogress 1\\rprogress 2\\r\\n\\303\\244\\n'`,
    )
    expect(lines.map((line) => line.length).slice(0, 5)).toEqual([65544, 65544, 65544, 65544, 37864])
    expect(lines.slice(5)).toEqual(['stdout: progress 1', 'stdout: progress 2', 'stdout: ä'])
  })

  it('runs the installer of the lockfile if there is no command', async () => {
    const directory = scratchDirectory()
    write(directory, {
      'package.json': '{"name":"app","version":"1.0.0"}',
      'package-lock.json':
        '{"name":"app","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"app","version":"1.0.0"}}}',
    })
    const { command } = await setup(undefined, { directory, env: { ...process.env } })
    expect(command).toMatch(/^npm ci/)
    expect(existsSync(join(directory, 'package-lock.json'))).toBe(true)
  })
})

describe('installCommand', () => {
  it.each([
    [{ 'package-lock.json': '' }, 'npm ci --omit=dev --no-audit --no-fund'],
    [{ 'npm-shrinkwrap.json': '', 'package-lock.json': '' }, 'npm ci --omit=dev --no-audit --no-fund'],
    [{ 'pnpm-lock.yaml': '' }, 'pnpm install --frozen-lockfile --prod'],
    [
      { 'yarn.lock': '# yarn lockfile v1\n' },
      'yarn install --frozen-lockfile --production --non-interactive',
    ],
    [
      { 'yarn.lock': '# generated\n\n__metadata:\n  version: 8\n' },
      'yarn workspaces focus --all --production',
    ],
    [{ 'bun.lock': '', 'bun.lockb': '' }, 'bun install --frozen-lockfile --production'],
  ])('for %j is %s', async (files, command) => {
    const directory = scratchDirectory()
    write(directory, files)
    expect(await installCommand(directory)).toBe(command)
  })

  it.each([
    [{}, /no lockfile/],
    [{ 'yarn.lock': '', 'package-lock.json': '' }, /two package managers: package-lock\.json, yarn\.lock/],
  ])('is an error for %j', async (files, message) => {
    const directory = scratchDirectory()
    write(directory, files)
    await expect(installCommand(directory)).rejects.toThrow(message)
  })
})
