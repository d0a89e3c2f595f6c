import type { z } from './fields.js'
import type { Rule } from './names.js'
import { isPlain } from './plain.js'
import type { Config } from './types.js'
import { shown } from './values.js'

/** Names of the cloud. They end up in requests alone, never in a shell; the rules find slips. */

export const groupName: Rule = (text) =>
  /^[\x20-\x7e]{1,255}$/.test(text) && !text.includes(':') && text.trim() === text
    ? undefined
    : `${shown(text)} is no name of an Auto Scaling group. Write it as the console shows it, e.g. api-prod`

export const regionName: Rule = (text) =>
  /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/.test(text)
    ? undefined
    : `${shown(text)} is no region. Write it like eu-west-1`

export const profileName: Rule = (text) =>
  /^[\w.+@:/ -]{1,128}$/.test(text) && text.trim() !== ''
    ? undefined
    : `${shown(text)} is no profile. Write a name that the AWS config files have`

export const targetGroup: Rule = (text) =>
  /^arn:[\w-]+:elasticloadbalancing:[\w-]*:\d*:targetgroup\/[\w/-]+$/.test(text) ||
  /^[A-Za-z0-9-]{1,32}$/.test(text)
    ? undefined
    : `${shown(text)} is no target group. Write its name or ARN`

export const loadBalancerName: Rule = (text) =>
  /^[A-Za-z0-9-]{1,32}$/.test(text)
    ? undefined
    : `${shown(text)} is no name of a classic load balancer. Use letters, digits and "-", at most 32`

/** Of an Auto Scaling group: at least one, all texts. */
export function isTags(value: unknown): boolean {
  if (!isPlain(value)) return false
  const pairs = Object.entries(value)
  return pairs.length > 0 && pairs.every(([key, text]) => key !== '' && typeof text === 'string')
}

/** What is drained is an instance of the cloud, and only one kind of fleet knows those. */
export function drainNeedsInstances(
  { fleet, rollout }: Pick<Config, 'fleet' | 'rollout'>,
  context: z.RefinementCtx,
): void {
  if (rollout.drain.kind === 'none' || fleet === undefined) return
  if (typeof fleet === 'object' && 'autoscaling' in fleet) return
  const message = 'needs fleet.autoscaling: only those hosts are instances. Write none, or name the groups'
  context.addIssue({ code: 'custom', path: ['rollout', 'drain'], message })
}
