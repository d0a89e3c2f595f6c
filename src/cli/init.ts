import { flag, text, type Declare } from './command.js'

/** How an app gets its config: `init`. */
export function declareInitCommand(command: Declare): void {
  command(
    'init',
    'write deliver.config.ts for the app in this directory',
    (c) =>
      c
        .option('--app <name>', 'default: the name in package.json, else of the directory')
        .option('--hosts <hosts>', 'comma separated: web1, deploy@web1, web1:2222')
        .option('--user <name>', 'who logs in to hosts (default: as the ssh config says)')
        .option('--path <directory>', 'where the app lives on hosts (default: /srv/APP)')
        .option('--service <name>', 'systemd:NAME, upstart:NAME, pm2:NAME or none')
        .option('--store <place>', 'where releases live: a directory, or s3://bucket/prefix')
        .option('--health <url>', 'what answers 200 when the app is healthy, asked on the host')
        .option('--from-deliver', 'take over .deliver/config of the bash tool; it is read, and never run')
        .option('--jenkinsfile', 'write a Jenkinsfile too')
        .option('--scripts', 'add scripts to package.json')
        .option('--units <kind>', 'systemd or upstart: a job for each process type of the Procfile')
        .option('--force', 'overwrite files that are there')
        .option('--no-check', 'skip deliver check at the end')
        .option('-y, --yes', 'ask nothing; take what was detected'),
    async (context, options) =>
      (await import('../commands/init.js')).init(context, {
        app: text(options.app),
        hosts: text(options.hosts),
        user: text(options.user),
        path: text(options.path),
        service: text(options.service),
        store: text(options.store),
        health: text(options.health),
        fromDeliver: flag(options.fromDeliver),
        jenkinsfile: flag(options.jenkinsfile),
        scripts: flag(options.scripts),
        units: text(options.units),
        force: flag(options.force),
        check: options.check !== false,
        yes: flag(options.yes),
      }),
  )
}
