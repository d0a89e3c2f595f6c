import type { Command } from 'commander'
import type { MigrationChoice } from '../commands/migrate.js'
import type { RolloutOptions } from '../commands/rollout-options.js'
import {
  commitOptions,
  flag,
  freshOption,
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
      migrateOption(rolloutOptions(c.argument('[release]', 'default: $TAG, else the newest published')))
        .option('--only-outdated', 'leave hosts that run the release alone')
        .option('--out <file>', 'with --dry-run: save the plan')
        .option('--plan <file>', 'run a saved plan, unless the world has changed')
        .option('--allow-empty', 'first deploy of a group without servers: only the pointer moves'),
    async (context, options, args) =>
      (await import('../commands/deploy.js')).deploy(context, {
        ...rolloutFlags(options),
        release: args[0],
        out: text(options.out),
        plan: text(options.plan),
        migrate: choice(options.migrate),
      }),
  )
  command(
    'rollback',
    "go back to each host's last good release, or to the one named",
    (c) =>
      rolloutOptions(
        c.argument(
          '[release]',
          "default: what is in production where a deploy ended half-way, else each host's last good one",
        ),
      ).option('--force', 'go back even past what a release names as its oldest rollback'),
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
    (c) => freshOption(commitOptions(migrateOption(rolloutOptions(tagOption(c))))),
    async (context, options) =>
      (await import('../commands/ship.js')).ship(context, {
        ...rolloutFlags(options),
        tag: text(options.tag),
        force: flag(options.force),
        allowDirty: flag(options.allowDirty),
        cache: options.cache !== false,
        migrate: choice(options.migrate),
      }),
  )
}

const rolloutOptions = (c: Command): Command =>
  selectionOptions(c)
    .option('--batch <sizes>', 'hosts per batch: 2, 25%, or growing: 1,5,20%')
    .option('--max-unavailable <size>', 'the most hosts out of service at once: 2, 25%')
    .option('--max-failures <size>', 'go on while no more hosts than that have failed: 1, 5%')
    .option('--allow-unreachable <count>', 'go on without that many hosts out of reach')
    .option('--expect <count>', 'how many hosts the fleet must have, when it changed much since last time')
    .option('--strategy <name>', 'parallel or rolling')
    .option('--on-failure <policy>', 'rollback, rollback-host or stop')
    .option('--dry-run', 'print the plan and stop')
    .option('--lock-wait <duration>', 'wait that long for another deploy to end, e.g. 15m')
    .option('-y, --yes', 'answer every question with yes')

const migrateOption = (c: Command): Command =>
  c.addOption(
    c
      .createOption('--migrate <what>', 'run: whatever was before; skip: it was done by hand')
      .choices(['run', 'skip'] satisfies MigrationChoice[]),
  )

const choice = (value: unknown): MigrationChoice | undefined =>
  value === 'run' || value === 'skip' ? value : undefined

function rolloutFlags(options: Options): RolloutOptions {
  return {
    hosts: text(options.hosts),
    limit: text(options.limit),
    batch: text(options.batch),
    maxUnavailable: text(options.maxUnavailable),
    maxFailures: text(options.maxFailures),
    allowUnreachable: text(options.allowUnreachable),
    expect: text(options.expect),
    allowEmpty: flag(options.allowEmpty),
    strategy: text(options.strategy),
    onFailure: text(options.onFailure),
    dryRun: flag(options.dryRun),
    lockWait: text(options.lockWait),
    yes: flag(options.yes),
    onlyOutdated: flag(options.onlyOutdated),
  }
}
