import { exitCodes } from '../errors.js'

/** What exit codes mean, for `deliver explain`, the help, and docs/cli.md. */
export interface ExitCodeNote {
  readonly code: number
  /** As errors and events of the library call it. */
  readonly kind: keyof typeof exitCodes
  /** For lists. */
  readonly short: string
  /** What it means, and how the hosts are. */
  readonly meaning: string
  /** What to do next. */
  readonly next: string
}

export const exitCodeNotes: readonly ExitCodeNote[] = (
  [
    [
      'done',
      'done',
      'It is done. After a deploy every host that was meant runs the release, proved by its health.',
      'Nothing.',
    ],
    [
      'failed',
      'failed and nothing switched',
      'It failed before any host switched, or it was no deploy: a build, a hook, a host that could not be reached. Hosts run what they ran before.',
      'Read the error and the lines above it; -V shows more. deliver check looks for causes. Then run it again.',
    ],
    [
      'usage',
      'usage or config',
      'The command line, the config or a variable is wrong. Nothing was done.',
      'The error names the option or key and what would be right; deliver help config lists the keys.',
    ],
    [
      'locked',
      'locked',
      'Another run of deliver is at work on this app and environment. Nothing was done.',
      'Wait for it (--lock-wait 15m). deliver status tells who it is; if that process is dead, deliver unlock with the id that the error names.',
    ],
    [
      'partial',
      'partial',
      'Some hosts run the new release and some the old one: it stopped half-way (rollout.onFailure: stop, a rollback that a mark forbids, an interrupt, a host that is out of reach), or servers that boot were not told. deliver status --exit-code ends with it too.',
      'deliver status shows who runs what. Bring them together: deliver deploy with the new release, or deliver rollback.',
    ],
    [
      'rolledBack',
      'failed and rolled back',
      'The release failed on a host, and every host that had switched is back on what it ran before.',
      'The reason and the last lines of the service log stand above the table. Correct the release and ship it again; there is nothing to clean up.',
    ],
    [
      'rollbackFailed',
      'rollback failed',
      'A host is neither healthy on the new release nor on the old one, or nobody could see to it. It needs a person.',
      'deliver status and deliver logs on the hosts that are named; deliver ssh to look. deliver rollback tries again.',
    ],
    [
      'noHosts',
      'no hosts',
      'No host was there to work on: the fleet is empty, or --hosts matches none. Nothing was done.',
      'The error lists the hosts that there are. The first deploy of a new group: deliver deploy --allow-empty.',
    ],
    [
      'precondition',
      'precondition',
      'Something is not as it must be: a tree with changes, a release that is missing, nothing to roll back to, a plan that the world has overtaken, problems that check found. Nothing was done.',
      'The error says what to do first. deliver releases lists releases; deliver check looks at the rest.',
    ],
    [
      'interrupted',
      'interrupted (Ctrl-C)',
      'Ctrl-C. What had begun on a host was brought to an end, nothing new was begun, and the lock is free.',
      'The table says where each host stands. The same command again converges; deliver rollback goes back.',
    ],
    [
      'terminated',
      'terminated (SIGTERM, SIGHUP)',
      'The process was told to end, by a CI system or a closed terminal. As after Ctrl-C.',
      'The table says where each host stands. The same command again converges; deliver rollback goes back.',
    ],
  ] as const
).map(([kind, short, meaning, next]) => ({ code: exitCodes[kind], kind, short, meaning, next }))

/** What to do after a rollout that ended so; undefined where its own words have to say it. */
export function nextAfter(code: number): string | undefined {
  const told: readonly number[] = [
    exitCodes.partial,
    exitCodes.rolledBack,
    exitCodes.rollbackFailed,
    exitCodes.interrupted,
    exitCodes.terminated,
  ]
  return told.includes(code) ? exitCodeNotes.find((note) => note.code === code)?.next : undefined
}

/** For the end of the help. */
export function exitCodeSummary(): string {
  return exitCodeNotes.map(({ code, short }) => `${code} ${short}`).join(', ')
}

/** For docs/cli.md. */
export function exitCodeTable(): string {
  const rows = exitCodeNotes.map(
    ({ code, short, meaning, next }) => `| ${code} | ${short} | ${meaning} | ${next} |`,
  )
  return ['| exit code | | what it means | what to do |', '| --- | --- | --- | --- |', ...rows].join('\n')
}
