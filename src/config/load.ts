import { dirname } from 'node:path'
import { DeliverError } from '../errors.js'
import { findConfig } from './find.js'
import { fromFlags, fromVariables } from './overrides.js'
import { plainCopy } from './plain.js'
import { formatPath } from './problems.js'
import type { Problem } from './problems.js'
import { resolveConfig } from './resolve.js'
import type { Config } from './types.js'

export interface LoadOptions {
  readonly cwd: string
  /** `--config`; else DELIVER_CONFIG; else the first that is found from `cwd` upward. */
  readonly file?: string | undefined
  /** `-e`; else DELIVER_ENV; else what the config says; else `production`. */
  readonly environment?: string | undefined
  readonly env: NodeJS.ProcessEnv
  /** Values of the command line by the path of their key, e.g. `{ 'rollout.batch': '2' }`. They win over variables. */
  readonly flags?: Readonly<Record<string, string>> | undefined
}

/**
 * Finds, runs, merges and validates the config. Rejects with one DeliverError of kind `usage` that lists everything that is
 * wrong.
 */
export async function loadConfig({ cwd, file, environment, env, flags = {} }: LoadOptions): Promise<Config> {
  const found = await findConfig(cwd, file ?? given(env['DELIVER_CONFIG']))
  const copy = plainCopy(found.exported)
  const variables = fromVariables(env)
  const options = fromFlags(flags)
  const resolved = resolveConfig({
    exported: copy.value,
    environment: environment ?? given(env['DELIVER_ENV']),
    overrides: [...variables.overrides, ...options.overrides],
  })
  const problems = [...copy.problems, ...variables.problems, ...options.problems, ...resolved.problems]
  if (problems.length > 0 || resolved.config === undefined) throw invalid(found.file, problems)
  return { ...resolved.config, directory: dirname(found.file) }
}

/** CI systems export empty variables for values that nobody gave. */
function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

function invalid(file: string, problems: readonly Problem[]): DeliverError {
  const lines = problems.map(({ path, text }) => `${formatPath(path)}: ${text}`)
  const count = lines.length === 1 ? 'a problem' : `${lines.length} problems`
  return new DeliverError(
    'usage',
    [`${file} has ${count}:`, ...lines.map((line) => `  ${line}`)].join('\n'),
    {
      fix: 'Nothing was done. deliver help KEY tells of a key, e.g. deliver help rollout.batch.',
    },
  )
}
