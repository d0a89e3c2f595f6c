import { text, z } from './fields.js'
import { drainNeedsInstances } from './fleet-rules.js'
import { guardOutlastsHealth } from './rules.js'
import * as names from './names.js'
import { isPlain } from './plain.js'
import { archive, build } from './sections/build.js'
import { fleet, hosts } from './sections/fleet.js'
import { hooks } from './sections/hooks.js'
import { ssh, target } from './sections/hosts.js'
import { boot } from './sections/boot.js'
import { notify } from './sections/notify.js'
import { health, rollout, service } from './sections/rollout.js'
import { signing } from './sections/signing.js'
import { store } from './sections/store.js'
import type { Config } from './types.js'

/**
 * Every key of a config: its type, default and description. Defaults are written as people write values (`prefault`).
 * Validation, `DELIVER_*` variables and docs/configuration.md all come from here.
 */

const sections = z.strictObject({
  app: text(names.appName, 'name').describe('Name of the app: part of tags, store keys and reports.'),
  build: build.prefault({}).describe('How a release is made on the build machine.'),
  archive: archive.prefault({}).describe('How a release is packed.'),
  store: store.exactOptional().describe('Where releases live: one of directory and s3.'),
  fleet: fleet
    .exactOptional()
    .describe(
      'The hosts: { hosts }, { autoscaling }, or a function that returns a list of hosts; asked again whenever it matters.',
    ),
  ssh: ssh.prefault({}).describe('How hosts are reached.'),
  target: target.exactOptional().describe('Where the app lives on hosts.'),
  service: service
    .exactOptional()
    .describe('What runs the app on hosts: one of systemd, upstart, pm2 and restart.'),
  rollout: rollout.prefault({}).describe('In which order hosts switch, and what happens on failure.'),
  health: health.exactOptional().describe('When a host counts as healthy: one of http, tcp and command.'),
  hooks: hooks
    .exactOptional()
    .describe(
      'What runs around the steps: a shell command, a function, { run, on, dir, timeout, env, failure, name }, or a list of these. See docs/hooks.md.',
    ),
  signing: signing
    .exactOptional()
    .describe('Who may publish releases: signatures by SSH keys. See docs/signing.md.'),
  notify: notify
    .exactOptional()
    .describe(
      'Who is told when a deploy begins and ends: a list of Slack channels, webhooks and commands. See docs/notifications.md.',
    ),
  boot: boot.prefault({}).describe('How servers that boot install the app by themselves: deliver user-data.'),
}) satisfies z.ZodType<Omit<Config, 'environment' | 'directory'>>

type Sections = z.input<typeof sections>

/** A part of a config that replaces what it names. */
type Overlay<T> = T extends readonly unknown[] | ((...none: never[]) => unknown)
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Overlay<T[K]> | undefined }
    : T

/** A whole config file: the sections, and what differs between environments. */
export const configSchema = sections
  .extend({
    environment: text(names.environmentName, 'name')
      .exactOptional()
      .describe('The environment that is meant when none is named. Default: production.'),
    environments: z
      .record(
        text(names.environmentName),
        z.custom<Overlay<Sections>>(
          isPlain,
          'is no object. Write the keys that differ: { fleet: { hosts: [...] } }',
        ),
      )
      .prefault({})
      .describe(
        'Per environment, what differs from the rest of the config. Objects are merged, lists and single values replaced.',
      ),
  })
  .superRefine(drainNeedsInstances)
  .superRefine(guardOutlastsHealth)

/** What a config file may export. */
export type ConfigInput = z.input<typeof configSchema>
export type ConfigExport = ConfigInput | (() => ConfigInput | Promise<ConfigInput>)

/** For the list that a fleet function returns. */
export const hostListSchema = hosts

/** Keys that exclude each other; naming one in an environment drops the other kinds (and what belongs to them). */
export const alternatives: Readonly<Record<string, readonly (readonly string[])[]>> = {
  store: [['directory'], ['s3']],
  fleet: [['hosts'], ['autoscaling']],
  'rollout.drain': [['targetGroups'], ['loadBalancers']],
  service: [['systemd'], ['upstart'], ['pm2'], ['restart', 'stop', 'pidFile']],
  health: [['http'], ['tcp'], ['command']],
  'health.http.release': [['header'], ['body']],
}

/** Where a bare value stands for an object with this key. */
export const shortForms: Readonly<Record<string, string>> = {
  'service.systemd': 'unit',
  'service.pm2': 'name',
  'health.http': 'url',
  'health.tcp': 'port',
  'rollout.migrate': 'run',
}
