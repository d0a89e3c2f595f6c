import { describe, expect, test } from 'vitest'
import { allKeys } from '../../src/config/keys.js'
import { exitCodes } from '../../src/errors.js'
import { exitCodeNotes } from '../../src/guidance/exit-codes.js'
import { topics } from '../../src/guidance/topics.js'
import { wrapped } from '../../src/guidance/wrap.js'
import { callsIn, problemWith } from '../docs/commands.js'
import { deliver } from '../integration/rig/deliver.js'
import { scratchDirectory } from '../sandbox/scratch.js'

const run = async (...args: readonly string[]) => deliver(args, { cwd: await scratchDirectory() })

test('every exit code has a note, and no other number', () => {
  expect(exitCodeNotes.map(({ kind, code }) => [kind, code])).toEqual(Object.entries(exitCodes))
})

test('what notes and topics tell people to run, the program knows', () => {
  const texts = [...exitCodeNotes.map(({ next }) => next), ...topics.map(({ text }) => text)]
  const calls = texts.flatMap((text) => text.match(/deliver (?!help KEY)[a-z][\w-]*( --[\w-]+)*/g) ?? [])
  expect(calls.length).toBeGreaterThan(10)
  const nouns = /^deliver (itself|at|key|reads)\b/
  const wrong = calls
    .filter((call) => !nouns.test(call))
    .flatMap((call) => callsIn(call))
    .map((words) => problemWith(words))
  expect(wrong.filter((problem) => problem !== undefined)).toEqual([])
})

describe('deliver explain', () => {
  test.each([
    ['5', 'back on what it ran before'],
    ['partial', 'some the old one'],
    ['rolled-back', 'back on what it ran before'],
  ])('%s', async (code, says) => {
    const { code: ended, stdout } = await run('explain', code)
    expect(ended).toBe(0)
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(says)
    expect(stdout).toContain('Next: ')
  })

  test('all of them, when none is named', async () => {
    const { stdout } = await run('explain')
    for (const { code, short } of exitCodeNotes) expect(stdout).toContain(`${code}  ${short}`)
  })

  test.each([
    ['42', 'Known are 0, 1, 2'],
    ['137', 'killed by SIGKILL'],
    ['partail', 'Did you mean partial?'],
  ])('%s: 2', async (code, says) => {
    const ended = await run('explain', code)
    expect(ended.code).toBe(2)
    expect(ended.output).toContain(says)
  })
})

describe('deliver help', () => {
  test('the commands and the topics', async () => {
    const { code, stdout } = await run('help')
    expect(code).toBe(0)
    for (const name of ['rollback', 'completion', ...topics.map((topic) => topic.name)])
      expect(stdout).toContain(`  ${name}`)
  })

  test.each(topics.map(({ name, text }) => [name, text] as const))('%s', async (name, text) => {
    const { code, stdout } = await run('help', name)
    expect(code).toBe(0)
    expect(stdout).toContain(text)
  })

  test.each([
    ['deploy', 'roll a release out'],
    ['doctor', 'whether a deploy would find'],
    ['rollout', 'rollout.onFailure'],
    ['config', 'notify '],
    ['rollout.batch', 'variable: DELIVER_ROLLOUT_BATCH'],
    ['notify[].slack.ending', 'thread | update'],
    ['notify', 'notify[].webhook'],
    ['environments', 'Objects are merged'],
  ])('%s', async (topic, says) => {
    const { code, output } = await run('help', topic)
    expect(code, output).toBe(0)
    expect(output).toContain(says)
  })

  test.each([
    ['rolout', 'Did you mean rollout?'],
    ['rollout.bacth', 'Did you mean rollout.batch?'],
    ['deplyo', 'Did you mean deploy?'],
    ['qqqqqqq', 'Topics are exit-codes'],
  ])('%s: 2', async (topic, says) => {
    const { code, output } = await run('help', topic)
    expect(code).toBe(2)
    expect(output).toContain(says)
  })
})

test('topics hide no command, and only one key: its section is below the text', () => {
  const sections = allKeys()
    .filter(({ path }) => path.length === 1)
    .map(({ path }) => path[0])
  const hidden = topics.filter(({ name }) => sections.includes(name))
  expect(hidden.map(({ name, section }) => [name, section])).toEqual([
    ['environment', undefined],
    ['rollout', 'rollout'],
  ])
})

test('lines are no longer than they may be', () => {
  expect(wrapped('one two three four', 9, '> ')).toBe('> one two\n> three\n> four')
  expect(wrapped('', 10)).toBe('')
})
