import type { Command } from 'commander'
import type { RolloutOptions } from '../commands/rollout-options.js'
import {
  commitOptions,
  flag,
  selectionOptions,
  tagOption,
  text,
  type Declare,
  type Options,
} from './command.js'

/** What changes which release hosts run: `deploy`, `rollback`, `ship`. */
export function declareRolloutCommands(command: Declare): void {
  command(
    'deploy',
    'roll a release out to every host of the fleet',
    (c) =>
      rolloutOptions(c.argument('[release]', 'default: $TAG, else the newest published'))
        .option('--only-outdated', 'leave hosts that run the release alone')
        .option('--out <file>', 'with --dry-run: save the plan')
        .option('--plan <file>', 'run a saved plan, unless the world has changed'),
    async (context, options, args) =>
      (await import('../commands/deploy.js')).deploy(context, {
        ...rolloutFlags(options),
        release: args[0],
        out: text(options.out),
        plan: text(options.plan),
      }),
  )
  command(
    'rollback',
    "go back to each host's last good release, or to the one named",
    (c) =>
      rolloutOptions(c.argument('[release]', "default: each host's last good one")).option(
        '--force',
        'go back even past what a release names as its oldest rollback',
      ),
    async (context, options, args) =>
      (await import('../commands/rollback.js')).rollback(context, {
        ...rolloutFlags(options),
        release: args[0],
        force: flag(options.force),
      }),
  )
  command(
    'ship',
    'setup, commit-deps, archive, publish and deploy, in order',
    (c) => commitOptions(rolloutOptions(tagOption(c))),
    async (context, options) =>
      (await import('../commands/ship.js')).ship(context, {
        ...rolloutFlags(options),
        tag: text(options.tag),
        force: flag(options.force),
        allowDirty: flag(options.allowDirty),
      }),
  )
}

const rolloutOptions = (c: Command): Command =>
  selectionOptions(c)
    .option('--batch <size>', 'hosts per batch: 2, 25%')
    .option('--strategy <name>', 'parallel or rolling')
    .option('--on-failure <policy>', 'rollback, rollback-host or stop')
    .option('--dry-run', 'print the plan and stop')
    .option('--lock-wait <duration>', 'wait that long for another deploy to end, e.g. 15m')
    .option('-y, --yes', 'answer every question with yes')

function rolloutFlags(options: Options): RolloutOptions {
  return {
    hosts: text(options.hosts),
    limit: text(options.limit),
    batch: text(options.batch),
    strategy: text(options.strategy),
    onFailure: text(options.onFailure),
    dryRun: flag(options.dryRun),
    lockWait: text(options.lockWait),
    yes: flag(options.yes),
    onlyOutdated: flag(options.onlyOutdated),
  }
}
