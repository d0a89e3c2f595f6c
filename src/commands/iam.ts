import { bootHook } from '../boot/hook.js'
import { bucketOf } from '../boot/source.js'
import { DeliverError, exitCodes } from '../errors.js'
import { ciPolicy, instancePolicy } from '../iam/policies.js'
import { missing } from '../wire.js'
import type { CommandContext, CommandResult } from './context.js'

/** `deliver iam`: the least that AWS must allow to the machine that deploys (`ci`), or to servers that boot (`instance`). */
export async function iam(
  context: CommandContext,
  options: { readonly policy?: string | undefined } = {},
): Promise<CommandResult> {
  const config = await context.config()
  const { policy: wanted = 'ci' } = options
  if (wanted !== 'ci' && wanted !== 'instance')
    throw new DeliverError('usage', `--policy: ${JSON.stringify(wanted)} is not known`, {
      fix: 'Use ci or instance.',
    })
  if (config.store === undefined) throw missing('store', "store: { s3: { bucket: 'builds' } }")
  const policy =
    wanted === 'instance'
      ? instancePolicy(config, bucketOf(config.store), bootHook(config))
      : ciPolicy(config)
  context.print(`${JSON.stringify(policy, null, 2)}\n`)
  return { code: exitCodes.done, text: '', data: { policy } }
}
