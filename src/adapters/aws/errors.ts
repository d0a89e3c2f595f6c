import { DeliverError, type ErrorKind } from '../../errors.js'
import type { AwsSettings } from './clients.js'
import { failureOf, isThrottled, isTransient, isUnreachable, type AwsFailure } from './failure.js'

/** What was asked of AWS, in words, for errors about it. */
export interface AwsRequest {
  /** `s3://builds/apps`, `Auto Scaling in eu-west-1`. */
  readonly where: string
  /** `reading api/production/current.json`. */
  readonly doing: string
  /** What the credentials must allow: `s3:GetObject on arn:aws:s3:::builds/apps/*`. */
  readonly permission: string
  /** The part of the config that these settings come from: `store.s3`. */
  readonly section: string
  readonly settings: AwsSettings
  /** Codes that mean something of their own in this request. */
  readonly known?: Readonly<Record<string, Advice>>
}

/** `problem` ends the sentence that `where` and `doing` begin; `fix` is an instruction. */
export interface Advice {
  readonly kind: ErrorKind
  readonly problem: string
  readonly fix: string
}

/** An error of the SDK or the network in our words. A DeliverError, and what has nothing to do with AWS, stays as it is. */
export function awsError(error: unknown, request: AwsRequest): unknown {
  if (error instanceof DeliverError || !isOfAws(error)) return error
  const failure = failureOf(error)
  const { kind, problem, fix } = request.known?.[failure.code] ?? adviceFor(failure, request)
  return new DeliverError(kind, `${request.where}: ${request.doing}: ${problem}`, {
    fix,
    cause: cleanCause(failure),
  })
}

const expired = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'])
const missing = new Set(['CredentialsProviderError', 'TokenProviderError'])
const unknownKey = new Set([
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidToken',
  'UnrecognizedClientException',
])
const badSignature = new Set([
  'AuthFailure',
  'IncompleteSignature',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
])
const skewed = new Set(['RequestExpired', 'RequestInTheFuture', 'RequestTimeTooSkewed'])
const elsewhere = new Set([
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
  'PermanentRedirect',
  'TemporaryRedirect',
])
const tls = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(VERIFY|GET)_|HOSTNAME_MISMATCH)/

function isOfAws(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const failure = failureOf(error)
  if ('$metadata' in error || missing.has(failure.code)) return true
  return isTransient(failure) || tls.test(failure.code)
}

function adviceFor(failure: AwsFailure, request: AwsRequest): Advice {
  const { code, status } = failure
  const { settings, section, permission } = request
  const retry = 'Run the command again.'
  if (missing.has(code)) {
    const problem = `no usable credentials${forProfile(settings)}`
    return { kind: 'precondition', problem, fix: logIn(settings, section) }
  }
  if (expired.has(code)) {
    const problem = `the credentials${forProfile(settings)} have expired`
    return { kind: 'precondition', problem, fix: logIn(settings, section) }
  }
  if (skewed.has(code))
    return {
      kind: 'precondition',
      problem: 'the clock of this machine is wrong, so the request is refused',
      fix: 'Set the clock by the network (NTP: timedatectl set-ntp true), then run the command again.',
    }
  if (unknownKey.has(code)) {
    const problem = `AWS doesn't know the access key or token (${code})`
    return { kind: 'precondition', problem, fix: logIn(settings, section) }
  }
  if (badSignature.has(code))
    return {
      kind: 'precondition',
      problem: `the signature is refused (${code})`,
      fix: `Check the secret access key${forProfile(settings)}, and that the clock of this machine is right.`,
    }
  if (elsewhere.has(code) || status === 301 || status === 307) return wrongRegion(failure, request)
  if (status === 401 || status === 403 || code === 'UnauthorizedOperation')
    return {
      kind: 'precondition',
      problem: `not allowed (${code}${said(failure)})`,
      fix: `Allow ${permission} to the user or role${forProfile(settings)}, or use other credentials.`,
    }
  if (code === 'OptInRequired')
    return {
      kind: 'precondition',
      problem: 'the region is not enabled for this account',
      fix: `Check ${section}.region.`,
    }
  if (isUnreachable(failure))
    return {
      kind: 'failed',
      problem: `${settings.endpoint === undefined ? 'AWS' : printableEndpoint(settings.endpoint)} can't be reached (${code})`,
      fix: `Check the network${settings.endpoint === undefined ? ` and ${section}.region` : ` and ${section}.endpoint`}, then run the command again.`,
    }
  if (tls.test(code))
    return {
      kind: 'precondition',
      problem: `no trusted connection (${code})`,
      fix: `Check ${section}.endpoint; a certificate authority of your own goes into NODE_EXTRA_CA_CERTS.`,
    }
  if (isThrottled(failure))
    return { kind: 'failed', problem: `refused as too many requests (${code})`, fix: `${retry} Later.` }
  if (isTransient(failure)) {
    const broke = code === 'TimeoutError' ? 'no answer in time' : `the connection broke (${code})`
    const problem = status === undefined ? broke : `AWS failed (${status} ${code})`
    return { kind: 'failed', problem, fix: retry }
  }
  const problem = `refused (${status === undefined ? '' : `${status} `}${code}${said(failure)})`
  return { kind: 'failed', problem, fix: `Check ${section} in the config.` }
}

function wrongRegion({ region }: AwsFailure, { settings, section }: AwsRequest): Advice {
  const asked = settings.region === undefined ? 'the region that was asked' : settings.region
  return {
    kind: 'precondition',
    problem: region === undefined ? `not in ${asked}` : `it is in ${clean(region)}, not in ${asked}`,
    fix: region === undefined ? `Check ${section}.region.` : `Set ${section}.region to '${clean(region)}'.`,
  }
}

function forProfile({ profile }: AwsSettings): string {
  return profile === undefined ? '' : ` of profile ${profile}`
}

function logIn({ profile }: AwsSettings, section: string): string {
  const name = profile ?? 'NAME'
  return `Log in (aws sso login --profile ${name}, aws configure), check ${section}.profile, AWS_PROFILE and AWS_ACCESS_KEY_ID, or give this machine an instance role.`
}

/** What AWS says, where it adds to the code. */
function said({ message, code }: AwsFailure): string {
  return message === '' || message === code || message === 'UnknownError' ? '' : `: ${clean(message)}`
}

/** Without a user name, password or query: people put secrets there. */
function printableEndpoint(endpoint: string): string {
  try {
    const { protocol, host } = new URL(endpoint)
    return `${protocol}//${host}`
  } catch {
    return 'the endpoint'
  }
}

/** Text from outside, for a message: one line, not endless, and without what looks like a key or a signature. */
function clean(text: string): string {
  const safe = text
    .replaceAll(/\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b/g, '***')
    .replaceAll(/(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s"']+/gi, '$1***')
    // eslint-disable-next-line no-control-regex -- a terminal would act on them
    .replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
  return safe.length > 400 ? `${safe.slice(0, 400)}…` : safe
}

/** The SDK's own errors hold the whole request and answer, with headers and tokens. */
function cleanCause({ code, status, message, requestId }: AwsFailure): Error {
  const request = requestId === undefined ? '' : `, request ${clean(requestId)}`
  return new Error(
    `${code}: ${clean(message)} (${status === undefined ? 'no answer' : `HTTP ${status}`}${request})`,
  )
}
