import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { describeProgram } from '../../src/cli.js'
import { helpText } from '../../src/cli/help-text.js'
import { examples } from '../../src/guidance/examples.js'
import { callsIn, problemWith } from '../docs/commands.js'

const program = describeProgram(new Command())
const all = Object.entries(examples).flatMap(([name, list]) => list.map(([call]) => [call, name] as const))

test('each command has an example, and no other name has', () => {
  expect(Object.keys(examples).sort()).toEqual(program.commands.map((each) => each.name()).sort())
  expect(Object.values(examples).filter((list) => list.length === 0)).toEqual([])
})

test.each(all)('%s', (call, name) => {
  const [words, ...more] = callsIn(call)
  expect(more).toEqual([])
  expect(words).toContain(name)
  // The program itself reads them, and lacks nothing.
  expect(problemWith(words ?? [])).toBeUndefined()
  const silent = { writeOut: () => undefined, writeErr: () => undefined }
  describeProgram(new Command().configureOutput(silent)).parse([...(words ?? [])], { from: 'user' })
})

test('an example that the program does not understand would be noticed', () => {
  expect(problemWith(['deploy', '--bathc', '1'])).toContain('--bathc')
})

describe('the help shows them', () => {
  test.each(program.commands.map((each) => [each.name(), each] as const))('%s', (name, command) => {
    const lines = helpText(command)
      .split('\n')
      .map((line) => line.trim().replace(/ +# /, ' # '))
    for (const [call, about] of examples[name] ?? [])
      expect(lines).toContain(about === '' ? `$ ${call}` : `$ ${call} # ${about}`)
  })
})
