/** What can be read from an error of the SDK, or of the network below it. All of it comes from outside: nothing is sure to be there. */
export interface AwsFailure {
  /** AWS's own code (`AccessDenied`), Node's (`ECONNREFUSED`), or the class of the error. */
  readonly code: string
  /** HTTP status; undefined when no answer came. */
  readonly status: number | undefined
  readonly message: string
  readonly requestId: string | undefined
  /** The region that the answer names as the right one. */
  readonly region: string | undefined
  /** The request was refused for its time stamp, and the SDK has set its clock right since. */
  readonly clockCorrected: boolean
}

export function failureOf(error: unknown): AwsFailure {
  const metadata = field(error, '$metadata')
  const headers = field(field(error, '$response'), 'headers')
  const status = field(metadata, 'httpStatusCode')
  return {
    code: codeOf(error),
    status: typeof status === 'number' ? status : undefined,
    message: error instanceof Error ? error.message : String(error),
    requestId: text(field(metadata, 'requestId')),
    region: text(field(headers, 'x-amz-bucket-region')) ?? text(field(error, 'Region')),
    clockCorrected: field(metadata, 'clockSkewCorrected') === true,
  }
}

/** The header of the answer that an error came with. */
export function headerOf(error: unknown, name: string): string | undefined {
  return text(field(field(field(error, '$response'), 'headers'), name))
}

/** A network error may be wrapped, and a refusal on every address of a name is an AggregateError without a name of its own. */
function codeOf(error: unknown): string {
  const code = text(field(error, 'code')) ?? text(field(error, 'Code'))
  if (code !== undefined) return code
  const name = text(field(error, 'name'))
  const cause = field(error, 'cause')
  if ((name === undefined || name === 'Error') && cause !== undefined) return codeOf(cause)
  return name ?? 'unknown'
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

const throttling = new Set([
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'PriorRequestNotComplete',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'ServiceUnavailable',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
])

const unreachable = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EADDRNOTAVAIL',
])

const interrupted = new Set([
  'ECONNABORTED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
  'IncompleteBody',
  'RequestTimeout',
  'RequestTimeoutException',
  'TimeoutError',
])

export function isThrottled({ code, status }: AwsFailure): boolean {
  return throttling.has(code) || status === 429 || status === 503
}

export function isUnreachable({ code }: AwsFailure): boolean {
  return unreachable.has(code)
}

/** Whether the same request may succeed when it is sent again. It may also have succeeded already. */
export function isTransient(failure: AwsFailure): boolean {
  const { code, status, clockCorrected } = failure
  if (isThrottled(failure) || isUnreachable(failure) || interrupted.has(code) || clockCorrected) return true
  // S3's answer to two conditional writes of one key at the same moment.
  if (code === 'ConditionalRequestConflict' || code === 'OperationAborted') return true
  return status !== undefined && status >= 500 && status !== 501
}
