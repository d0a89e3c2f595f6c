import type { HookValues } from '../config/hooks.js'

/** All that deliver tells the commands that it runs. One that has no value is not set, whoever started deliver. */
export const hookVariables = [
  'DELIVER_HOOK',
  'DELIVER_APP',
  'DELIVER_ENVIRONMENT',
  'DELIVER_COMMAND',
  'DELIVER_RELEASE',
  'DELIVER_PREVIOUS',
  'DELIVER_COMMIT',
  'DELIVER_PATH',
  'DELIVER_HOSTS',
  'DELIVER_HOST',
  'DELIVER_BATCH',
  'DELIVER_BATCHES',
  'DELIVER_OUTCOME',
  'DELIVER_BECAUSE',
] as const

export function variablesOf(values: HookValues): Readonly<Record<string, string>> {
  const variables: { readonly [N in (typeof hookVariables)[number]]: string | undefined } = {
    DELIVER_HOOK: values.point,
    DELIVER_APP: values.app,
    DELIVER_ENVIRONMENT: values.environment,
    DELIVER_COMMAND: values.command,
    DELIVER_RELEASE: values.release,
    DELIVER_PREVIOUS: values.previous,
    DELIVER_COMMIT: values.commit,
    DELIVER_PATH: values.path,
    DELIVER_HOSTS: values.hosts.length === 0 ? undefined : values.hosts.join(','),
    DELIVER_HOST: values.host,
    DELIVER_BATCH: values.batch === undefined ? undefined : String(values.batch.number),
    DELIVER_BATCHES: values.batch === undefined ? undefined : String(values.batch.of),
    DELIVER_OUTCOME: values.outcome,
    DELIVER_BECAUSE: values.because,
  }
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) =>
      // A NUL can't be in any environment.
      value === undefined || value === '' ? [] : [[name, value.replaceAll('\0', '')]],
    ),
  )
}
