import { defineConfig, secret } from 'deliver-cli'

/**
 * Every key that there is. An app needs few of them: copy those whose defaults don't suit it.
 * docs/configuration.md describes each one. Durations are written like 500ms, 90s, 1m30s or 2h.
 */
export default defineConfig({
  // Part of tags, store keys and reports.
  app: 'api',

  // How a release is made on the build machine.
  build: {
    setup: './app setup', // default: the installer of the lockfile
    env: { NODE_ENV: 'production', NPM_TOKEN: secret('NPM_TOKEN') }, // added to the caller's; secrets are never shown
    deps: ['node_modules'], // what setup makes and the release needs
    cache: { files: ['app', 'scripts'] }, // setup is skipped when lockfiles, settings and these are as before; or false
    timeout: '30m',
    keep: 3, // prebuilt tags, archives and dependency trees that cleaning leaves
  },
  archive: {
    format: 'tar.zst', // or tar.gz, tar
    level: 3,
    directory: 'build', // relative to this file
  },

  // Where releases live: an S3 bucket, or a directory that the build and deploy machines share (see environments.staging).
  store: {
    s3: {
      bucket: 'example-builds',
      prefix: 'apps',
      region: 'eu-west-1', // default: AWS_REGION, else the profile's
      profile: 'ci', // default: the usual chain of credentials
      sse: 'aws:kms', // default: what the bucket does
      kmsKey: 'alias/builds',
      acl: 'bucket-owner-full-control', // only for buckets with ACLs
      storageClass: 'STANDARD_IA',
    },
    keep: 20, // the newest releases, and those in use
    alias: 'api/api.tar', // a fixed key that always has the current release
  },

  // The hosts that run the app: a list, or a function that returns one (see environments.canary).
  fleet: {
    hosts: [
      'web1.example.com',
      { host: '10.0.0.2', name: 'web2', port: 2222, user: 'deploy', labels: { zone: 'b' } },
    ],
  },

  // How hosts are reached. What isn't said here comes from the ssh config.
  ssh: {
    user: 'deploy',
    port: 22,
    identityFile: '~/.ssh/id_ed25519', // or a list
    knownHosts: '~/.ssh/known_hosts', // or a list
    client: 'auto', // or ssh2, openssh
    hostKeys: 'strict', // or accept-new, (host) => keys, { command }
    config: '~/.ssh/config', // false: none
    agent: true,
    connectTimeout: '10s',
    keepalive: '15s',
    retries: 3,
    concurrency: 'auto', // hosts worked on at once; a number: always so many
  },

  signing: { key: 'deploy-key.pub', allowedSigners: 'allowed_signers', required: true }, // see docs/signing.md

  // Where the app lives on hosts.
  target: {
    path: '/srv/api', // or relative to the login directory
    keep: 5, // releases
    shared: ['log'], // outlive releases
    files: { '.env': { env: { PORT: '3000', DATABASE_URL: secret('DATABASE_URL') } } }, // of each release, mode 600
    verify: 'changed', // or 'full': hash every file of a new release on hosts, also those that are linked
    prepare: true, // hosts link what runs into the beginning of the next release after a deploy, in the background
  },

  // What runs the app: systemd, upstart, pm2, or a restart command (see environments).
  service: {
    systemd: 'api', // or { unit, user }
    timeout: '60s',
    log: '/var/log/api.log', // shown on failure; systemd's journal needs none
  },

  rollout: {
    strategy: 'rolling', // or parallel
    batch: '1,25%', // counts or shares; the last one repeats
    maxUnavailable: '30%', // or a count; default: the largest batch
    canary: { hosts: 1, bake: '5m' }, // a first batch that is watched for a while
    spread: 'zone', // label of hosts: no zone loses all at once
    maxFailures: 0, // or a share: hosts that may fail without ending the rollout
    allowUnreachable: 0, // hosts that may be out of reach at the start
    onFailure: 'rollback', // or rollback-host, stop
    pause: '0s', // between batches
    confirm: ['major', 'marked'], // or never, major, marked, always
    migrate: { run: 'npm run migrate', timeout: '10m', host: 'web1*' }, // once, before any host switches; or just the command
    guard: '5m', // after this long an unconfirmed host goes back by itself
    drain: 'none', // or what takes a batch out of traffic (see environments)
    drainTimeout: '10m',
  },

  // When a host counts as healthy: http, tcp or command. Asked on the host itself.
  health: {
    http: {
      url: 'http://localhost:3000/health', // or just the URL
      status: [200],
      headers: { 'X-Probe': 'deliver' },
      contains: 'ok', // in the body
      release: { header: 'X-Release' }, // or { body: true }: the answer names the release that gave it
      insecure: false, // true: any certificate will do
    },
    successes: 2, // in a row
    minUptime: '10s', // that they span, all from one process
    interval: '1s',
    timeout: '5s', // of one probe
    deadline: '60s', // of all of them, from the restart
  },

  // What runs around the steps: a shell command, a function, an object, or a list. docs/hooks.md has what they are told.
  hooks: {
    beforeSetup: 'node --version',
    afterSetup: 'npm test',
    beforeCommitDeps: 'scripts/licences',
    afterCommitDeps: 'git describe --always',
    beforeArchive: 'scripts/check',
    afterArchive: 'scripts/sizes',
    beforePublish: 'scripts/sign',
    afterPublish: 'scripts/announce "$DELIVER_RELEASE"',
    beforeStage: { run: 'df -h .', on: 'hosts', dir: 'home' },
    afterStage: { run: 'bin/warm-cache', on: 'hosts', timeout: '5m', env: { LEVEL: '2' } }, // in the staged release
    beforeRollout: ({ release, note }) => note(`${release} goes out`),
    afterRollout: ['scripts/tell-team', { run: 'scripts/purge-cdn', failure: 'stop', name: 'CDN' }],
    beforeBatch: 'scripts/silence-alarms "$DELIVER_HOSTS"',
    afterBatch: 'scripts/check-errors',
    beforeHost: 'scripts/before-host "$DELIVER_HOST"',
    afterHost: 'scripts/after-host "$DELIVER_HOST"',
    beforeActivate: { run: 'bin/drain', on: 'hosts', dir: 'current' },
    afterActivate: { run: 'bin/warm-up', on: 'hosts' },
    beforeSettle: { run: 'bin/ready', on: 'hosts' },
    afterSettle: { run: 'bin/smoke-test', on: 'hosts', failure: 'stop' },
    beforeRollback: 'scripts/page',
    afterRollback: 'scripts/page',
    onFailure: 'scripts/tell-team "$DELIVER_OUTCOME: $DELIVER_BECAUSE"',
  },

  // Who is told when a deploy begins and ends: docs/notifications.md.
  notify: [
    { slack: { webhook: secret('SLACK_WEBHOOK') }, on: ['failed', 'rolled-back', 'aborted'] }, // default: all events
    {
      slack: {
        token: secret('SLACK_TOKEN'), // of a bot
        channel: 'C0123456789',
        ending: 'thread', // or update: the end in place of the beginning
        api: 'https://slack.com/api',
      },
    },
    {
      webhook: {
        url: secret('DEPLOY_HOOK'),
        headers: { 'X-Team': 'api' },
        secret: secret('DEPLOY_HOOK_KEY'), // signs what is sent
      },
      timeout: '5s', // what takes longer is a warning
    },
    { command: 'scripts/tell "$DELIVER_EVENT" "$DELIVER_TEXT"', env: { TEAM: 'api' } },
  ],

  // How a server that boots installs the app by itself: deliver user-data.
  boot: {
    fetch: 'role', // or presigned, or { url } (see environments.demo)
    user: 'deploy', // default: ssh.user
    lifecycleHook: 'boot', // told whether the app runs
    group: 'api-prod',
    retryFor: '10m',
  },

  // The environment that is meant without -e.
  environment: 'production',

  // What differs from the above. Objects are merged; lists and single values are replaced.
  environments: {
    production: {},
    staging: {
      store: { directory: '/mnt/builds' },
      fleet: { hosts: ['stage1.example.com'] },
      service: { systemd: { unit: 'api.service', user: true } },
      health: { tcp: 3000 },
    },
    legacy: {
      store: { s3: { bucket: 'builds', endpoint: 'https://minio.example.com:9000', forcePathStyle: true } },
      service: { upstart: 'api', log: '/var/log/upstart/api.log' },
      health: { tcp: { host: '127.0.0.1', port: 3000 } },
    },
    demo: {
      service: { pm2: { name: 'api', start: 'ecosystem.config.cjs' } },
      health: { command: 'curl -fsS http://localhost:3000/health' },
      boot: { fetch: { url: 'https://builds.example.com/apps' } },
    },
    aws: {
      fleet: {
        autoscaling: {
          groups: ['api-prod'], // or one name, or tags: { app: 'api' }
          region: 'eu-west-1',
          profile: 'deploy',
          endpoint: 'https://autoscaling.example.com', // an emulator's
          address: 'private', // or public, ipv6, (instance) => instance.publicName ?? ''
          states: ['InService'],
          filters: { 'tag:role': ['web'] },
          bootTimeout: '10m',
        },
      },
      rollout: { drain: 'standby' },
    },
    balanced: {
      fleet: { autoscaling: { groups: { app: 'api' } } },
      rollout: { drain: { targetGroups: ['api'] } }, // names or ARNs
      ssh: { hostKeys: { command: './keys-of "$DELIVER_HOST_INSTANCE"', timeout: '10s' } },
    },
    classic: {
      fleet: { autoscaling: { groups: 'api-old' } },
      rollout: { drain: { loadBalancers: ['api'] } },
    },
    canary: {
      fleet: async () => ['canary1.example.com'], // asked again whenever it matters
      service: {
        restart: 'sudo service api restart',
        stop: 'sudo service api stop',
        pidFile: '/run/api.pid',
      },
      health: { http: { url: 'http://localhost:3000/version', release: { body: true } } },
    },
  },
})
