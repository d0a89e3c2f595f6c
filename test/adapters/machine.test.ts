import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isDeadProcess, thisMachine } from '../../src/adapters/machine.js'

const linux = existsSync('/proc/sys/kernel/random/boot_id')

async function deadPid(): Promise<number> {
  const child = spawn('true')
  await once(child, 'exit')
  if (child.pid === undefined) throw new Error('true did not start')
  return child.pid
}

describe.runIf(linux)('isDeadProcess', () => {
  const { machine } = thisMachine()
  const here = machine === undefined ? {} : { machine }

  it('knows a process of this machine that is gone', async () => {
    expect(isDeadProcess({ ...here, pid: await deadPid() })).toBe(true)
  })

  it('leaves one that runs alone, also when it is not ours', () => {
    expect(isDeadProcess({ ...here, pid: process.pid })).toBe(false)
    expect(isDeadProcess({ ...here, pid: 1 })).toBe(false)
  })

  it('says nothing about another machine, another boot, or a lock that does not tell', async () => {
    const pid = await deadPid()
    expect(isDeadProcess({ machine: 'elsewhere pid:[1]', pid })).toBe(false)
    expect(isDeadProcess({ pid })).toBe(false)
  })
})
