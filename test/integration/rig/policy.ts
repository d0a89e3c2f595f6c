import { expect } from 'vitest'
import type { AwsCall } from './aws-proxy.js'
import type { Finished } from './deliver.js'
import type { Passing } from './fault-proxy.js'

/** One thing that was asked of AWS, as a policy names it. */
export interface Asked {
  readonly action: string
  /** Undefined: any. */
  readonly resource?: string
}

/** A printed policy, as AWS would judge by it. */
export interface PrintedPolicy {
  readonly actions: readonly string[]
  allows(asked: Asked): boolean
}

/** What `deliver iam` printed. */
export function readPolicy({ code, stdout, output }: Finished): PrintedPolicy {
  expect(code, output).toBe(0)
  const policy: unknown = JSON.parse(stdout)
  const statements = listOf(field(policy, 'Statement')).map((statement) => ({
    actions: listOf(field(statement, 'Action')).map(String),
    resources: listOf(field(statement, 'Resource')).map(String),
  }))
  return {
    actions: statements.flatMap(({ actions }) => actions),
    allows: ({ action, resource }) =>
      statements.some(
        ({ actions, resources }) =>
          actions.includes(action) &&
          (resource === undefined || resources.some((pattern) => matches(pattern, resource))),
      ),
  }
}

/** The requests of the query protocol: every action of these belongs to one service. */
export function actionsOf(calls: readonly AwsCall[]): readonly string[] {
  const services: Readonly<Record<string, string>> = {
    DescribeInstances: 'ec2',
    DescribeAutoScalingGroups: 'autoscaling',
    EnterStandby: 'autoscaling',
    ExitStandby: 'autoscaling',
    UpdateAutoScalingGroup: 'autoscaling',
  }
  return [
    ...new Set(calls.map(({ action }) => `${services[action] ?? 'elasticloadbalancing'}:${action}`)),
  ].sort()
}

/** What S3 asks of the policy for a request by path. */
export function askedOfS3({ method, url }: Passing): Asked {
  const { pathname, searchParams } = new URL(url, 'http://s3')
  const [bucket = '', ...parts] = decodeURIComponent(pathname).slice(1).split('/')
  const key = parts.join('/')
  const resource = `arn:aws:s3:::${bucket}${key === '' ? '' : `/${key}`}`
  if (key === '')
    return {
      action: searchParams.has('uploads') ? 's3:ListBucketMultipartUploads' : 's3:ListBucket',
      resource,
    }
  if (method === 'GET' || method === 'HEAD') return { action: 's3:GetObject', resource }
  if (method !== 'DELETE') return { action: 's3:PutObject', resource }
  return { action: searchParams.has('uploadId') ? 's3:AbortMultipartUpload' : 's3:DeleteObject', resource }
}

function matches(pattern: string, resource: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(resource)
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}
