import {
  batchSizes,
  duration,
  exactlyOne,
  hostCount,
  oneOrMore,
  secretText,
  text,
  whole,
  z,
} from '../fields.js'
import { loadBalancerName, targetGroup } from '../fleet-rules.js'
import * as names from '../names.js'
import * as paths from '../paths.js'
import * as rules from '../rules.js'
import type { DrainConfig, HealthConfig, RolloutConfig, ServiceConfig } from '../types.js'

/** How a release comes into service: what restarts it, in which order, and how health is known. */

const port = () => whole(1, 65535)

export const service = z
  .strictObject({
    systemd: z
      .union([
        text(names.unitName, 'unit'),
        z.strictObject({
          unit: text(names.unitName, 'unit').describe('The unit that runs the app.'),
          user: z
            .boolean()
            .prefault(false)
            .describe('Whether it belongs to the user’s own service manager (systemctl --user).'),
        }),
      ])
      .exactOptional()
      .describe('The systemd unit that runs the app.'),
    upstart: text(names.jobName, 'job').exactOptional().describe('The upstart job that runs the app.'),
    pm2: z
      .union([
        text(names.pm2Name, 'name'),
        z.strictObject({
          name: text(names.pm2Name, 'name').describe('The process, as pm2 lists it.'),
          start: text(paths.relativePath, 'path')
            .exactOptional()
            .describe('Script or ecosystem file of the release that starts it the first time.'),
        }),
      ])
      .exactOptional()
      .describe('The pm2 process that runs the app.'),
    restart: text(names.command, 'shell command')
      .exactOptional()
      .describe('Shell command that restarts the app.'),
    stop: text(names.command, 'shell command')
      .exactOptional()
      .describe('Shell command that stops the app; only together with restart.'),
    pidFile: text(rules.logPath, 'path')
      .exactOptional()
      .describe(
        'File, absolute or relative to target.path, with the number of the app’s main process; only together with restart.',
      ),
    timeout: duration().prefault('60s').describe('How long a restart may take; enforced on the host.'),
    log: text(rules.logPath, 'path')
      .exactOptional()
      .describe(
        'Log file, absolute or relative to target.path, whose last lines are shown on failure. systemd’s journal needs none.',
      ),
  })
  .refine(...exactlyOne(['systemd', 'upstart', 'pm2', 'restart']))
  .superRefine(rules.partsOfRestart)
  .transform((value): ServiceConfig => ({
    manager: rules.serviceManager(value),
    timeout: value.timeout,
    ...(value.log === undefined ? {} : { log: value.log }),
  }))

const drain = z
  .union([
    z.enum(['none', 'standby']),
    z
      .strictObject({
        targetGroups: oneOrMore(text(targetGroup, 'name or ARN'))
          .exactOptional()
          .describe('Target groups that hosts are deregistered from and registered with again.'),
        loadBalancers: oneOrMore(text(loadBalancerName, 'name'))
          .exactOptional()
          .describe('Classic load balancers that hosts are deregistered from and registered with again.'),
      })
      .refine(...exactlyOne(['targetGroups', 'loadBalancers'])),
  ])
  .transform((value): DrainConfig => {
    if (typeof value === 'string') return { kind: value }
    return value.targetGroups === undefined
      ? { kind: 'loadBalancers', names: value.loadBalancers ?? [] }
      : { kind: 'targetGroups', groups: value.targetGroups }
  })

export const rollout = z.strictObject({
  strategy: z
    .enum(['rolling', 'parallel'])
    .prefault('rolling')
    .describe('rolling activates batch by batch, parallel all hosts at once.'),
  batch: batchSizes()
    .prefault(1)
    .describe(
      'Hosts per batch: a count, or a share of the fleet (rounded down, at least one). 1,5,20% grows; the last size repeats.',
    ),
  maxUnavailable: hostCount(1)
    .exactOptional()
    .describe(
      'The most hosts that may be out of service at once, for whatever reason: a batch is made smaller, or not begun. Default: the largest batch, beside hosts that failed within maxFailures.',
    ),
  canary: z
    .strictObject({
      hosts: whole(1, 1000).prefault(1).describe('How many.'),
      bake: duration(0).prefault('5m').describe('How long their health is watched before the others follow.'),
    })
    .exactOptional()
    .describe('A first batch of its own, which is watched for a while.'),
  spread: text(names.labelName, 'label')
    .prefault('zone')
    .describe('Label of hosts by which batches are spread: no zone loses all of its hosts at once.'),
  maxFailures: hostCount(0)
    .prefault(0)
    .describe('Hosts that may fail in the whole run without ending it: a count or a share of the fleet.'),
  allowUnreachable: whole(0, 100_000)
    .prefault(0)
    .describe('Hosts that may be out of reach at the start without stopping the deploy.'),
  onFailure: z
    .enum(['rollback', 'rollback-host', 'stop'])
    .prefault('rollback')
    .describe(
      'When a host fails: rollback takes every switched host back, rollback-host only the failed one, stop leaves all as they are.',
    ),
  pause: duration(0).prefault('0s').describe('Between batches.'),
  confirm: z
    .union([z.enum(['never', 'major', 'marked', 'always']), z.array(z.enum(['major', 'marked', 'always']))])
    .prefault('never')
    .transform(rules.confirmWhen)
    .describe(
      'Releases that need a person’s yes before any host switches: of a new major version, marked ones, or a list of these. Without a terminal only --yes lets them pass.',
    ),
  migrate: z
    .union([
      text(names.command, 'shell command'),
      z.strictObject({
        run: text(names.command, 'shell command').describe('Runs in the directory of the staged release.'),
        timeout: duration().prefault('10m').describe('How long it may take; enforced on the host.'),
        host: text(names.oneLine, 'name, glob or label=value')
          .exactOptional()
          .describe('The host that it runs on. Default: the first of the deploy.'),
      }),
    ])
    .transform(rules.migration)
    .exactOptional()
    .describe(
      'Runs once for each release, on one host, when the release is staged everywhere and before any host switches. Never in a rollback.',
    ),
  guard: duration(0)
    .exactOptional()
    .describe(
      'After this long an unconfirmed host goes back by itself; 0s: never. Default: from the deadlines of service and health.',
    ),
  drain: drain
    .prefault('none')
    .describe(
      'What takes a batch out of traffic while it is switched: standby (of the Auto Scaling group), target groups, or classic load balancers.',
    ),
  drainTimeout: duration()
    .prefault('10m')
    .describe('How long taking a batch out of traffic may take, and bringing it back again.'),
}) satisfies z.ZodType<RolloutConfig>

const statusCode = () => whole(100, 599)

export const health = z
  .strictObject({
    http: z
      .union([
        text(rules.healthUrl, 'URL'),
        z.strictObject({
          url: text(rules.healthUrl, 'URL').describe('Asked from the host itself; localhost is the host.'),
          status: oneOrMore(statusCode()).prefault([200]).describe('Status codes that mean healthy.'),
          headers: z
            .record(text(names.headerName), secretText(names.oneLine))
            .prefault({})
            .describe(
              'Headers to send: text, or { secret }. Host also names the server whose certificate is expected.',
            ),
          contains: text(names.oneLine)
            .exactOptional()
            .describe('Text that a healthy answer contains, within its first 64 KiB.'),
          release: z
            .strictObject({
              header: text(names.headerName)
                .exactOptional()
                .describe('Header of the answer that names the release that runs.'),
              body: z
                .literal(true)
                .exactOptional()
                .describe('Whether the body of the answer names the release that runs.'),
            })
            .refine(...exactlyOne(['header', 'body']))
            .exactOptional()
            .describe('Where the answer names the release: one that names another is not healthy.'),
          insecure: z
            .boolean()
            .exactOptional()
            .describe('Accept any certificate. Default: it must be valid for the host of the URL.'),
        }),
      ])
      .exactOptional()
      .describe('URL that answers 200 when the app is healthy. Redirects are not followed.'),
    tcp: z
      .union([
        port(),
        z.strictObject({
          host: text(names.hostName, 'host').prefault('127.0.0.1').describe('Address, as the host sees it.'),
          port: port().describe('Port that accepts connections when the app is healthy.'),
        }),
      ])
      .exactOptional()
      .describe('Port that accepts connections when the app is healthy.'),
    command: text(names.command, 'shell command')
      .exactOptional()
      .describe('Shell command on the host that exits 0 when the app is healthy.'),
    successes: whole(1, 1000).prefault(2).describe('Good answers in a row.'),
    minUptime: duration(0)
      .prefault('10s')
      .describe(
        'Time that the good answers span at least, all from one process; also without a health check. 0s: none.',
      ),
    interval: duration().prefault('1s').describe('Between probes.'),
    timeout: duration().prefault('5s').describe('How long one probe may take.'),
    deadline: duration().prefault('60s').describe('From the restart until the host must be healthy.'),
  })
  .refine(...exactlyOne(['http', 'tcp', 'command']))
  .superRefine(rules.reachableDeadline)
  .transform((value): HealthConfig => ({
    check: rules.healthCheck(value),
    successes: value.successes,
    minUptime: value.minUptime,
    interval: value.interval,
    timeout: value.timeout,
    deadline: value.deadline,
  }))
