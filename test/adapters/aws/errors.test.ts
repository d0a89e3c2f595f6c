import { describe, expect, it } from 'vitest'
import { awsError, type AwsRequest } from '../../../src/adapters/aws/errors.js'
import { DeliverError } from '../../../src/errors.js'

const request: AwsRequest = {
  where: 's3://builds/apps',
  doing: 'writing api/x',
  permission: 's3:PutObject on arn:aws:s3:::builds/apps/*',
  section: 'store.s3',
  settings: { region: 'eu-west-1', profile: 'ci' },
}

interface Answer {
  readonly status?: number
  readonly message?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly fields?: object
}

function answered(name: string, { status = 400, message = name, headers = {}, fields = {} }: Answer): Error {
  const $metadata = { httpStatusCode: status, requestId: 'REQ1' }
  return Object.assign(new Error(message), { name, $metadata, $response: { headers }, ...fields })
}

function told(error: unknown, about: AwsRequest = request): DeliverError {
  const translated = awsError(error, about)
  if (!(translated instanceof DeliverError)) throw new Error('not translated')
  return translated
}

describe('an error of AWS', () => {
  it('names the permission that is missing, and what AWS says', () => {
    const message = 'User: arn:aws:sts::1:assumed-role/ci is not authorized to perform: s3:PutObject'
    const error = told(answered('AccessDenied', { status: 403, message }))
    expect(error.kind).toBe('precondition')
    expect(error.message).toBe(`s3://builds/apps: writing api/x: not allowed (AccessDenied: ${message})`)
    expect(error.fix).toBe(
      'Allow s3:PutObject on arn:aws:s3:::builds/apps/* to the user or role of profile ci, or use other credentials.',
    )
  })

  it.each([
    [
      'ExpiredToken',
      { status: 400 },
      'precondition',
      /of profile ci have expired/,
      /aws sso login --profile ci/,
    ],
    [
      'InvalidAccessKeyId',
      { status: 403 },
      'precondition',
      /doesn't know the access key/,
      /AWS_ACCESS_KEY_ID/,
    ],
    ['SignatureDoesNotMatch', { status: 403 }, 'precondition', /signature is refused/, /secret access key/],
    ['RequestTimeTooSkewed', { status: 403 }, 'precondition', /clock of this machine is wrong/, /NTP/],
    ['UnauthorizedOperation', { status: 403 }, 'precondition', /not allowed/, /Allow s3:PutObject/],
    ['SlowDown', { status: 503 }, 'failed', /too many requests/, /again/],
    ['InternalError', { status: 500 }, 'failed', /AWS failed \(500 InternalError\)/, /again/],
    ['Odd', { status: 400, message: 'odd thing' }, 'failed', /400 Odd: odd thing/, /store\.s3/],
  ])('%s', (name, answer, kind, message, fix) => {
    const error = told(answered(name, answer))
    expect(error.kind).toBe(kind)
    expect(error.message).toMatch(message)
    expect(error.fix).toMatch(fix)
  })

  it.each([
    ['by its header', { headers: { 'x-amz-bucket-region': 'us-east-2' } }],
    ['by its body', { fields: { Region: 'us-east-2' } }],
  ])('names the right region, known %s', (_how, where) => {
    const error = told(answered('PermanentRedirect', { status: 301, ...where }))
    expect(error.message).toContain('it is in us-east-2, not in eu-west-1')
    expect(error.fix).toBe("Set store.s3.region to 'us-east-2'.")
  })

  it('tells missing credentials without what the provider said, which may be the output of a program', () => {
    const error = told(
      Object.assign(new Error('helper failed: token=hunter2'), { name: 'CredentialsProviderError' }),
      { ...request, settings: {} },
    )
    expect(error.message).toBe('s3://builds/apps: writing api/x: no usable credentials')
    expect(error.fix).toContain('AWS_PROFILE')
    expect(`${error.message}${error.fix}`).not.toContain('hunter2')
  })

  it('tells an endpoint that is not there, without the password in its URL', () => {
    const refused = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' })
    const error = told(refused, {
      ...request,
      settings: { endpoint: 'https://user:hunter2@minio.local:9000/x?token=hunter2' },
    })
    expect(error.message).toContain("https://minio.local:9000 can't be reached (ECONNREFUSED)")
    expect(error.fix).toContain('store.s3.endpoint')
  })

  it('tells a certificate that nobody vouches for', () => {
    const error = told(
      Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      request,
    )
    expect(error.kind).toBe('precondition')
    expect(error.fix).toContain('NODE_EXTRA_CA_CERTS')
  })

  it('lets a request say what a code means to it', () => {
    const known = { NoSuchBucket: { kind: 'usage', problem: 'no such bucket', fix: 'Make it.' } } as const
    const error = told(answered('NoSuchBucket', { status: 404 }), { ...request, known })
    expect(error).toMatchObject({ kind: 'usage', message: 's3://builds/apps: writing api/x: no such bucket' })
  })

  it('never shows keys, signatures or what a terminal would act on, in message or cause', () => {
    const key = `AKIA${'Q'.repeat(16)}`
    const message = `bad ${key}\u001b[2J\nGET /x?X-Amz-Signature=abcdef&X-Amz-Security-Token=tok%2Fen`
    const error = told(answered('Odd', { message, headers: { authorization: 'hunter2' } }))
    const cause = error.cause instanceof Error ? error.cause.message : ''
    for (const text of [error.message, cause, JSON.stringify(error.cause)]) {
      expect(text).not.toContain(key)
      expect(text).not.toContain('abcdef')
      expect(text).not.toContain('tok%2Fen')
      expect(text).not.toContain('hunter2')
      expect(text).not.toContain('\u001b')
      expect(text).not.toContain('\n')
    }
    expect(cause).toContain('REQ1')
  })

  it('leaves alone what is none of it', () => {
    const own = new DeliverError('usage', 'x')
    const defect = new TypeError('x is not a function')
    const missing = Object.assign(new Error('no file'), { code: 'ENOENT', errno: -2 })
    expect([own, defect, missing, 'text'].map((each) => awsError(each, request))).toEqual([
      own,
      defect,
      missing,
      'text',
    ])
  })
})
