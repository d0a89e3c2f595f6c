import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { ServiceConfig } from '../../../src/config/types.js'
import type { ServiceFacts } from '../../../src/remote/facts.js'
import { readServiceFacts } from '../../../src/remote/readings.js'
import { service } from '../../../src/remote/look-verbs.js'
import { onMostShells, type LocalHost } from './host.js'
import { ship } from './steps.js'

/** Who has the port of the service: real processes, a manager that names one of them. */

const children: ChildProcess[] = []
afterEach(async () => {
  await Promise.all(
    children.splice(0).map(async (child) => {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }),
  )
})

const listen =
  "const s=require('net').createServer().listen({port:Number(process.argv[1]||0),host:'127.0.0.1'},()=>console.log(s.address().port));"

/** A process that listens; `below`: its parent doesn't, and is the one that is returned. */
async function listener(
  cwd: string,
  below = false,
): Promise<{ readonly pid: number; readonly port: number }> {
  const inner = JSON.stringify(listen)
  const outer = `const c=require('child_process').spawn(process.execPath,['-e',${inner}],{stdio:['ignore','inherit','inherit']});process.on('SIGTERM',()=>{c.kill();process.exit()})`
  const child = spawn(process.execPath, ['-e', below ? outer : listen], { cwd, detached: true })
  children.push(child)
  const [data] = (await once(child.stdout, 'data')) as [Buffer]
  if (child.pid === undefined) throw new Error('not started')
  return { pid: child.pid, port: Number(data) }
}

/** A systemctl that says which process is the unit's, and which control group. */
function systemd(host: LocalHost, pid: number, group = ''): ServiceConfig {
  const shown = `MainPID=${pid}\nNRestarts=4\nActiveState=active\nControlGroup=${group}\n`
  writeFileSync(join(host.bin, 'systemctl'), `#!/bin/sh\nprintf '${shown.replaceAll('\n', '\\n')}'\n`, {
    mode: 0o755,
  })
  return { manager: { kind: 'systemd', unit: 'api', user: false }, timeout: 1_000 }
}

async function look(host: LocalHost, of: ServiceConfig, port: number): Promise<ServiceFacts> {
  const reading = readServiceFacts(await host.call(service({ service: of, port })))
  if (reading.kind !== 'ok') throw new Error(JSON.stringify(reading))
  return reading.value
}

describe.skipIf(!existsSync('/proc/self/stat'))('who has the port', () => {
  onMostShells((makeHost) => {
    test('the service itself', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const { pid, port } = await listener(host.at('current'))
      const seen = await look(host, systemd(host, pid), port)
      expect(seen).toMatchObject({ active: true, pid, restarts: 4, release: 'v1', listening: true })
      expect(seen.listener).toMatchObject({ pid, belongs: true, release: 'v1' })
    })

    test('a child of the service', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const { pid, port } = await listener(host.home, true)
      const seen = await look(host, systemd(host, pid), port)
      expect(seen.listener).toMatchObject({ belongs: true })
      expect(seen.listener?.pid).not.toBe(pid)
    })

    test('somebody else', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const other = await listener(host.home)
      const own = await listener(host.at('current'))
      const seen = await look(host, systemd(host, own.pid), other.port)
      expect(seen.release).toBe('v1')
      expect(seen.listener).toMatchObject({
        pid: other.pid,
        belongs: false,
        name: expect.any(String) as string,
      })
    })

    test('the old process, while the new one runs without it', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const old = await listener(host.at('current'))
      await ship(host, 'v2')
      const own = await listener(host.at('current'))
      const seen = await look(host, systemd(host, own.pid), old.port)
      expect(seen).toMatchObject({ release: 'v2', listener: { pid: old.pid, belongs: false, release: 'v1' } })
    })

    test('one of the control group of the service', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const { pid, port } = await listener(host.home)
      const group = (await import('node:fs')).readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')[0] ?? ''
      const name = group.slice(group.indexOf(':', group.indexOf(':') + 1) + 1)
      expect((await look(host, systemd(host, 0, name), port)).listener).toMatchObject({ pid, belongs: true })
      expect((await look(host, systemd(host, 0, '/no.such.slice'), port)).listener).toMatchObject({
        belongs: false,
      })
    })
  })
})
