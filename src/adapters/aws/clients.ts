/** Where AWS is and who asks, as the config says. What is not set comes from the SDK's default chain. */
export interface AwsSettings {
  readonly region?: string
  /** A profile of ~/.aws/config or ~/.aws/credentials. */
  readonly profile?: string
  /** Base URL of a service that speaks the same protocol. */
  readonly endpoint?: string
}

/** Milliseconds to connect. */
const connectTimeout = 10_000
/** Milliseconds without a byte in either direction. Finishing a large upload is quiet for a while. */
const idleTimeout = 60_000
/** The same for questions about the fleet, which are short: one that hangs leaves time to ask again. */
export const shortAnswers: ClientTuning = { idleTimeout: 20_000 }
/** Connections that one client may hold open. */
const maxSockets = 50

export interface ClientTuning {
  readonly connectTimeout?: number
  readonly idleTimeout?: number
}

/**
 * What every client of the SDK is made with. The SDK itself never repeats a request: it would turn the lost answer to a
 * conditional write into a refusal, and its waits can't be interrupted. `persist` repeats them.
 */
export function clientOptions(settings: AwsSettings, tuning: ClientTuning = {}) {
  const agent = { keepAlive: true, maxSockets }
  return {
    ...(settings.region === undefined ? {} : { region: settings.region }),
    ...(settings.profile === undefined ? {} : { profile: settings.profile }),
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: tuning.connectTimeout ?? connectTimeout,
      socketTimeout: tuning.idleTimeout ?? idleTimeout,
      httpAgent: agent,
      httpsAgent: agent,
    },
  }
}
