import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { format, resolveConfig } from 'prettier'
import { expect, test } from 'vitest'
import { cliDocs } from '../../src/cli/docs.js'
import { describeProgram } from '../../src/cli.js'

const page = new URL('../../docs/cli.md', import.meta.url)

test('docs/cli.md is what the program says; scripts/docs.js writes it', async () => {
  const style = await resolveConfig(page)
  const now = await format(cliDocs(describeProgram(new Command())), { ...style, parser: 'markdown' })
  expect(await readFile(page, 'utf8')).toBe(now)
})

test('each command, argument and option is described', () => {
  const program = describeProgram(new Command())
  const lacking = [program, ...program.commands].flatMap((command) =>
    [
      { flags: 'itself', description: command.description() },
      ...command.options,
      ...command.registeredArguments.map((each) => ({ flags: each.name(), description: each.description })),
    ]
      .filter(({ description }) => description === '')
      .map(({ flags }) => `${command.name()}: ${flags}`),
  )
  expect(program.commands.length).toBeGreaterThan(15)
  expect(lacking).toEqual([])
})

test('what help tells below its lists is in the page; options that are hidden are not', () => {
  const program = new Command('tool')
  program
    .command('go')
    .description('go on')
    .option('--fast', 'in a_hurry | *now*')
    .option('-n, --lines <count>', 'how many', '20')
    .addHelpText('after', '\nExit codes: 9 gone.')
  expect(cliDocs(program)).toContain(
    [
      '## go',
      '`deliver go [options]`',
      'Go on.',
      '| option | |\n| --- | --- |\n| `--fast` | in a\\_hurry \\| \\*now\\* |\n| `-n, --lines <count>` | how many (default: 20) |',
      '```\nExit codes: 9 gone.\n```',
    ].join('\n\n'),
  )
})
