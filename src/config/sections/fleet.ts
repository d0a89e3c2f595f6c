import { duration, exactlyOne, oneOrMore, text, whole, z } from '../fields.js'
import { groupName, isTags, profileName, regionName } from '../fleet-rules.js'
import * as names from '../names.js'
import * as rules from '../rules.js'
import type { AddressFunction, FleetConfig, FleetFunction, HostConfig } from '../types.js'

/** Which hosts there are: a list, a function, or the instances of Auto Scaling groups. */

const host = z.union([
  text(names.hostName, 'host'),
  z.strictObject({
    host: text(names.hostName, 'host').describe('DNS name, IP address or alias of the ssh config.'),
    name: text(names.hostName, 'name')
      .exactOptional()
      .describe('Name in reports and for --hosts. Default: host.'),
    port: whole(1, 65535).exactOptional().describe('SSH port of this host.'),
    user: text(names.userName, 'user').exactOptional().describe('SSH user on this host.'),
    labels: z
      .record(text(names.labelName), text(names.oneLine))
      .exactOptional()
      .describe('Labels, shown in reports.'),
  }),
]) satisfies z.ZodType<HostConfig>

export const hosts = z.array(host).superRefine(rules.distinctHosts)

const fleetFunction = z
  .custom<FleetFunction>((value) => typeof value === 'function')
  .meta({ label: 'function' })

const addressFunction = z
  .custom<AddressFunction>((value) => typeof value === 'function')
  .meta({ label: 'function' })

/** Not a record of the schema: the variable of `groups` takes names. */
const tags = z
  .custom<Readonly<Record<string, string>>>(isTags, 'is no object of tags. Write { role: "web" }')
  .meta({ label: 'object of tags' })

const autoscaling = z.strictObject({
  groups: z
    .union([text(groupName, 'name'), z.array(text(groupName, 'name')).min(1, 'names no group'), tags])
    .transform((value) =>
      typeof value === 'string'
        ? { names: [value] }
        : Array.isArray(value)
          ? { names: value }
          : { tags: value },
    )
    .describe('The Auto Scaling groups: a name, a list of names, or tags that a group must carry all of.'),
  region: text(regionName, 'region')
    .exactOptional()
    .describe('AWS region. Default: AWS_REGION, else that of the profile.'),
  profile: text(profileName, 'profile')
    .exactOptional()
    .describe(
      'Profile of the AWS config files. Default: AWS_PROFILE, else the default chain of credentials.',
    ),
  endpoint: text(names.oneLine, 'URL')
    .exactOptional()
    .describe('Endpoint other than that of AWS, for emulators.'),
  address: z
    .union([z.enum(['private', 'public', 'ipv6']), addressFunction])
    .prefault('private')
    .describe(
      'Which address of an instance is connected to; a function is given the instance and returns one.',
    ),
  states: z
    .array(z.enum(['InService', 'Standby', 'Pending', 'Pending:Wait', 'Pending:Proceed']))
    .min(1, 'names no state')
    .prefault(['InService'])
    .describe('Lifecycle states of instances that are deployed to.'),
  filters: z
    .record(text(names.oneLine), oneOrMore(text(names.oneLine)))
    .prefault({})
    .describe('Filters of the EC2 API that instances must match, by name, e.g. { "tag:role": ["web"] }.'),
  bootTimeout: duration()
    .prefault('10m')
    .describe(
      'How long an instance that was launched before the end of a deploy may take until it is in service.',
    ),
})

export const fleet = z.union([
  z
    .strictObject({
      hosts: hosts.exactOptional().describe('The servers that run the app.'),
      autoscaling: autoscaling.exactOptional().describe('The instances of Auto Scaling groups.'),
    })
    .refine(...exactlyOne(['hosts', 'autoscaling']))
    .transform((value): Exclude<FleetConfig, FleetFunction> =>
      value.autoscaling === undefined ? { hosts: value.hosts ?? [] } : { autoscaling: value.autoscaling },
    ),
  fleetFunction,
]) satisfies z.ZodType<FleetConfig>
