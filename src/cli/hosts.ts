import { flag, selectionOptions, text, type Declare } from './command.js'

/** What looks into hosts, and what people do there: `exec`, `logs`, `ssh`. */
export function declareHostCommands(command: Declare): void {
  command(
    'exec',
    'run a command on the hosts',
    (c) =>
      selectionOptions(c.argument('<command...>', 'after --: a program and its arguments, or one shell line'))
        .option('--dir <directory>', 'current, home, or an absolute path', 'current')
        .option('--rolling', 'one host after the other, and no further after a failure')
        .option('--prefix', "each line as it comes, behind its host's name")
        .option('--timeout <duration>', 'how long it may take on a host', '10m'),
    async (context, options, args) =>
      (await import('../commands/exec.js')).exec(context, {
        command: args,
        hosts: text(options.hosts),
        limit: text(options.limit),
        dir: text(options.dir),
        rolling: flag(options.rolling),
        prefix: flag(options.prefix),
        timeout: text(options.timeout),
      }),
  )
  command(
    'logs',
    'what the service wrote on all hosts, by time',
    (c) =>
      selectionOptions(c)
        .option('-f, --follow', 'go on with what comes, until Ctrl-C')
        .option('-n, --lines <count>', "of each host's log (default: 20; all with --since or --grep)")
        .option('--since <when>', 'an age such as 10m, or a time such as 2024-05-01T10:00:00Z')
        .option('--grep <pattern>', 'only lines that match this regular expression'),
    async (context, options) =>
      (await import('../commands/logs.js')).logs(context, {
        hosts: text(options.hosts),
        limit: text(options.limit),
        follow: flag(options.follow),
        lines: text(options.lines),
        since: text(options.since),
        grep: text(options.grep),
      }),
  )
  command(
    'ssh',
    'open a session on a host, with the settings of the deploy',
    (c) =>
      c
        .argument('<host>', 'its name, or a glob or label=value that means no other')
        .argument('[command...]', 'after --: instead of a login shell'),
    async (context, _options, [host = '', ...command]) =>
      (await import('../commands/ssh.js')).ssh(context, { host, command }),
  )
}
