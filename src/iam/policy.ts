/** A policy of AWS IAM, as its JSON. */
export interface Policy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly Statement[]
}

export interface Statement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
}

export function allow(Sid: string, Action: readonly string[], Resource: readonly string[]): Statement {
  return { Sid, Effect: 'Allow', Action, Resource }
}

/** Groups and balancers are known by name and region; their account is the policy's own. */
export function groupArn({
  group,
  region,
}: {
  readonly group: string
  readonly region?: string | undefined
}): string {
  return `arn:${partitionOf(region)}:autoscaling:${region ?? '*'}:*:autoScalingGroup:*:autoScalingGroupName/${group}`
}

export function partitionOf(region: string | undefined): string {
  if (region?.startsWith('cn-') === true) return 'aws-cn'
  return region?.startsWith('us-gov-') === true ? 'aws-us-gov' : 'aws'
}
