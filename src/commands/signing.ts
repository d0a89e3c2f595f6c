import { resolve } from 'node:path'
import type { Config } from '../config/types.js'
import { DeliverError } from '../errors.js'
import type { Store } from '../ports.js'
import type { ReleaseRecord } from '../release/release.js'
import { releaseStatement } from '../release/statement.js'
import { readSignature } from '../store/signatures.js'
import type { CommandContext } from './context.js'
import { lazily } from '../lazily.js'

const loadKeygen = lazily(() => import('../adapters/ssh-keygen.js'))

export type Sign = (statement: string) => Promise<string>

const keygen = (context: CommandContext) => ({ env: context.env, signal: context.interrupt.signal })

/** What signs with the config's key; undefined when it has none. */
export function signer(context: CommandContext, { directory, signing }: Config): Sign | undefined {
  const key = signing?.key
  if (key === undefined) return undefined
  return async (statement) => {
    const { signStatement } = await loadKeygen()
    return signStatement(keygen(context), resolve(directory, key), statement)
  }
}

/** Throws unless somebody who may do so signed the release. Without `signing.allowedSigners` everybody may. */
export async function checkSigned(
  context: CommandContext,
  { app, directory, signing }: Config,
  store: Store,
  record: ReleaseRecord,
): Promise<void> {
  const { allowedSigners, required } = signing ?? {}
  if (allowedSigners === undefined) return
  const { release } = record
  const signature = await readSignature(store, record)
  if (signature === undefined) {
    const text = `${store.name}: release ${release} is not signed`
    if (required === true)
      throw new DeliverError('precondition', text, {
        fix: 'Publish with signing.key; a release that this clone built is signed by publishing it again.',
      })
    context.reporter.event({ type: 'warning', text })
    return
  }
  const { verifyStatement } = await loadKeygen()
  const file = resolve(directory, allowedSigners)
  const statement = releaseStatement(record)
  if (await verifyStatement(keygen(context), { allowedSigners: file, identity: app, statement, signature }))
    return
  throw new DeliverError(
    'precondition',
    `${store.name}: no signature that ${allowedSigners} allows fits release ${release}`,
    {
      fix: `Its files or its signature were changed, or its signer may not sign for ${app} (any more). Don't deploy it before you know which.`,
    },
  )
}
