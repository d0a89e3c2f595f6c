import { describe, expect, it } from 'vitest'
import type { AutoscalingConfig, Config, S3Place } from '../../src/config/types.js'
import { ciPolicy, instancePolicy } from '../../src/iam/policies.js'
import type { Policy } from '../../src/iam/policy.js'
import { configWith } from '../execute/world.js'

const place: S3Place = { kind: 's3', bucket: 'builds', prefix: 'apps', region: 'eu-west-1' }
const autoscaling: AutoscalingConfig = {
  groups: { names: ['api-prod'] },
  region: 'eu-west-1',
  address: 'private',
  states: ['InService'],
  filters: {},
  bootTimeout: 600_000,
}
const config = (change: Partial<Config> = {}, s3 = place): Config =>
  configWith({ store: { place: s3 }, ...change })

/** `action resource` of everything that is allowed. */
const allowed = (policy: Policy): string[] =>
  policy.Statement.flatMap(({ Action, Resource }) =>
    Action.flatMap((action) => Resource.map((resource) => `${action} ${resource}`)),
  )
const group = 'arn:aws:autoscaling:eu-west-1:*:autoScalingGroup:*:autoScalingGroupName/api-prod'

describe('what servers that boot may do', () => {
  it('is to read their own app, and nothing else', () => {
    expect(allowed(instancePolicy(config(), place, undefined))).toEqual([
      's3:GetObject arn:aws:s3:::builds/apps/api/production/current.json',
      's3:GetObject arn:aws:s3:::builds/apps/api/releases/*',
      's3:GetObject arn:aws:s3:::builds/apps/api/agents/*',
    ])
  })

  it('is to complete the hook of their group, when there is one', () => {
    const policy = instancePolicy(config(), place, { name: 'boot', group: 'api-prod', region: 'eu-west-1' })
    expect(allowed(policy).slice(3)).toEqual([
      `autoscaling:CompleteLifecycleAction ${group}`,
      `autoscaling:RecordLifecycleActionHeartbeat ${group}`,
    ])
  })

  it('is to decrypt with the key of the bucket, when there is one', () => {
    const kmsKey = 'arn:aws:kms:eu-west-1:1:key/k'
    const policy = instancePolicy(config(), { ...place, sse: 'aws:kms', kmsKey }, undefined)
    expect(allowed(policy)).toContain(`kms:Decrypt ${kmsKey}`)
  })
})

describe('what the machine that deploys may do', () => {
  it('is to work with its own part of the bucket', () => {
    const found = allowed(ciPolicy(config({ store: { place, alias: 'api/api.tar' } })))
    expect(found).toContain('s3:PutObject arn:aws:s3:::builds/apps/api/*')
    expect(found).toContain('s3:PutObject arn:aws:s3:::builds/api/api.tar')
    expect(found).toContain('s3:ListBucket arn:aws:s3:::builds')
    expect(found.filter((each) => !each.startsWith('s3:'))).toEqual([])
    expect(found.filter((each) => each.includes('Acl'))).toEqual([])
  })

  it.each([
    ['aws-cn', 'cn-north-1'],
    ['aws-us-gov', 'us-gov-west-1'],
  ])('is in the partition %s for %s', (partition, region) => {
    const found = allowed(ciPolicy(config({}, { ...place, region })))
    expect(found.every((each) => each.includes(` arn:${partition}:s3:::`))).toBe(true)
  })

  const fleetOf = (drain: Config['rollout']['drain']) =>
    allowed(ciPolicy(config({ fleet: { autoscaling }, rollout: { ...configWith().rollout, drain } }))).filter(
      (each) => !each.startsWith('s3:'),
    )
  const looks = ['autoscaling:DescribeAutoScalingGroups *', 'ec2:DescribeInstances *']

  it('is to look at groups, and to change nothing of them unless the config drains', () => {
    expect(fleetOf({ kind: 'none' })).toEqual(looks)
  })

  it('is to put instances of its group on standby', () => {
    expect(fleetOf({ kind: 'standby' }).filter((each) => !looks.includes(each))).toEqual(
      ['EnterStandby', 'ExitStandby', 'UpdateAutoScalingGroup'].map(
        (action) => `autoscaling:${action} ${group}`,
      ),
    )
  })

  it('is to take instances out of its target groups', () => {
    const arn = 'arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/b/1'
    const found = fleetOf({ kind: 'targetGroups', groups: ['a', arn] })
    expect(found).toContain(
      'elasticloadbalancing:DeregisterTargets arn:aws:elasticloadbalancing:eu-west-1:*:targetgroup/a/*',
    )
    expect(found).toContain(`elasticloadbalancing:RegisterTargets ${arn}`)
    expect(found.filter((each) => / \*$/.test(each) && !/:Describe/.test(each))).toEqual([])
  })

  it('is JSON', () => {
    const policy = ciPolicy(config({ fleet: { autoscaling } }))
    expect(JSON.parse(JSON.stringify(policy))).toEqual(policy)
    expect(new Set(policy.Statement.map(({ Sid }) => Sid)).size).toBe(policy.Statement.length)
    for (const { Sid, Action, Resource } of policy.Statement) {
      expect(Sid).toMatch(/^[A-Za-z0-9]+$/)
      expect([Action.length > 0, Resource.length > 0]).toEqual([true, true])
    }
  })
})
