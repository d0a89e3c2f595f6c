import { describe, expect, test } from 'vitest'
import { confirmRelease } from '../../src/commands/confirm-release.js'
import type { CommandContext } from '../../src/commands/context.js'
import type { ConfirmWhen } from '../../src/config/types.js'
import { planDeploy } from '../../src/plan/deploy.js'
import { Vault } from '../../src/secrets/vault.js'
import type { DeliverEvent } from '../../src/report/events.js'
import { createMemoryStore } from '../fakes/memory-store.js'
import { configWith, publish } from '../execute/world.js'

interface Case {
  readonly when?: readonly ConfirmWhen[]
  readonly ask?: (question: string) => Promise<boolean>
  readonly yes?: boolean
  readonly current?: string | null
}

async function gate({ when = ['marked'], ask, yes = false, current = 'v1' }: Case) {
  const store = createMemoryStore()
  await publish(store, 'v1')
  const record = { ...(await publish(store, 'v2')), confirm: 'drops a table' }
  const config = configWith({}, { confirm: when })
  const view = {
    host: 'web1',
    current,
    unconfirmed: false,
    staged: new Map([['v2', record.manifest.digest]]),
    good: [],
    bad: [],
    via: undefined,
  }
  const plan = planDeploy({ release: 'v2', digest: record.manifest.digest }, [view], config.rollout)
  const events: DeliverEvent[] = []
  const context: CommandContext = {
    cwd: '/',
    env: {},
    reporter: { event: (event) => events.push(event), close: () => Promise.resolve() },
    interrupt: { signal: new AbortController().signal, reason: undefined },
    config: () => Promise.resolve(config),
    print: () => undefined,
    secrets: new Vault(() => undefined),
    ...(ask === undefined ? {} : { ask }),
  }
  const passed = confirmRelease(context, plan, { config, store, record, pointer: 'v1', yes })
  return { passed, events }
}

describe('a marked release', () => {
  test('asks on a terminal, with its reason, and goes on with a yes', async () => {
    const asked: string[] = []
    const { passed } = await gate({ ask: async (question) => asked.push(question) > 0 })
    await passed
    expect(asked).toEqual([expect.stringContaining("v2 needs a person's yes: it is marked: drops a table")])
  })

  test('is declined with a no: that is a failure', async () => {
    const { passed } = await gate({ ask: () => Promise.resolve(false) })
    await expect(passed).rejects.toMatchObject({
      kind: 'failed',
      message: 'v2: declined; nothing was changed',
    })
  })

  test('fails where nobody can answer, and says how to go on', async () => {
    const { passed } = await gate({})
    await expect(passed).rejects.toMatchObject({
      kind: 'failed',
      fix: expect.stringContaining('--yes') as string,
    })
  })

  test('passes with --yes, unasked, and the report says why', async () => {
    const { passed, events } = await gate({ yes: true, ask: () => Promise.reject(new Error('asked')) })
    await passed
    expect(events).toEqual([{ type: 'note', text: expect.stringContaining('drops a table') as string }])
  })

  test.each([
    ['the config asks for nothing', { when: [] }],
    ['no host switches', { current: 'v2' }],
  ])('passes unasked where %s', async (_what, how) => {
    await expect((await gate(how)).passed).resolves.toBeUndefined()
  })
})
