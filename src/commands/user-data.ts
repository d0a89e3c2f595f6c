import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { systemClock } from '../adapters/clock.js'
import { bootHook } from '../boot/hook.js'
import { bucketOf, bootSource } from '../boot/source.js'
import {
  userData as write,
  userDataFormats,
  userDataLimit,
  type BootScript,
  type BootSource,
} from '../boot/script.js'
import type { Config } from '../config/types.js'
import { parseDuration } from '../config/values.js'
import { DeliverError, exitCodes } from '../errors.js'
import { pointerKey } from '../store/layout.js'
import { readPointer } from '../store/pointer.js'
import { missing, openStore } from '../wire.js'
import type { CommandContext, CommandResult } from './context.js'

export interface UserDataOptions {
  readonly format?: string | undefined
  /** How long signed URLs are good for, e.g. `12h`. */
  readonly presign?: string | undefined
}

/** `deliver user-data`: prints what a server runs at its first start to install the environment's release by itself. */
export async function userData(
  context: CommandContext,
  options: UserDataOptions = {},
): Promise<CommandResult> {
  const config = await context.config()
  const format = userDataFormats.find((each) => each === (options.format ?? 'sh'))
  if (format === undefined)
    throw new DeliverError('usage', `--format: ${JSON.stringify(options.format)} is not known`, {
      fix: `Use one of ${userDataFormats.join(', ')}.`,
    })
  const text = write(await scriptOf(context, config, options), format)
  const bytes = Buffer.byteLength(text)
  if (format !== 'program' && bytes > userDataLimit)
    throw new DeliverError(
      'precondition',
      `the script has ${bytes} bytes; user data takes ${userDataLimit}`,
      {
        fix: 'Signed URLs are long when temporary credentials sign them. Sign with an access key, or use another boot.fetch.',
      },
    )
  context.print(text)
  return { code: exitCodes.done, text: '', data: { format, bytes } }
}

async function scriptOf(
  context: CommandContext,
  config: Config,
  options: UserDataOptions,
): Promise<BootScript> {
  const { app, environment, boot, target, ssh } = config
  if (target === undefined) throw missing('target', "target: { path: '/srv/api' }")
  const user = boot.user ?? ssh.user
  if (user === undefined)
    throw new DeliverError('usage', 'boot.user: whom the app belongs to on a server is not said', {
      fix: "Write boot: { user: 'deploy' } or ssh: { user: 'deploy' }: the user that deploys log in as.",
    })
  const hook = bootHook(config)
  const { signing, directory } = config
  const signers =
    signing?.allowedSigners === undefined || !signing.required
      ? undefined
      : await readFile(resolve(directory, signing.allowedSigners), 'utf8')
  return {
    app,
    environment,
    path: target.path,
    user,
    source: await sourceOf(context, config, options),
    pointerKey: pointerKey(app, environment),
    ...(hook === undefined ? {} : { hook }),
    ...(signers === undefined ? {} : { signers: signers.trimEnd() }),
    retryFor: boot.retryFor,
  }
}

async function sourceOf(
  context: CommandContext,
  config: Config,
  { presign }: UserDataOptions,
): Promise<BootSource> {
  const { fetch } = config.boot
  if (config.store === undefined) throw missing('store', "store: { s3: { bucket: 'builds' } }")
  if (presign === undefined && fetch.kind !== 'presigned') return bootSource(fetch, config.store)
  const seconds = presignSeconds(presign ?? '12h')
  const place = bucketOf(config.store)
  const { app, environment } = config
  const pointer = await readPointer(await openStore(config), app, environment)
  if (pointer?.agent === undefined || pointer.listing === undefined)
    throw new DeliverError('precondition', `${app} ${environment}: no release to sign URLs for`, {
      fix: 'Deploy once with this version of deliver, then print the user data again.',
    })
  const keys = [pointerKey(app, environment), pointer.agent.key, pointer.listing.key, pointer.archive.key]
  const { presignReads } = await import('../adapters/s3/presign.js')
  const { urls, endsEarly } = await presignReads(place, keys, seconds, systemClock)
  if (endsEarly !== undefined)
    context.reporter.event({
      type: 'warning',
      text: `the signed URLs end at ${new Date(endsEarly).toISOString()}, sooner than asked for: then the credentials that signed them expire. Sign with an access key, or print the user data anew in time`,
    })
  return { kind: 'presigned', place: `s3://${place.bucket}/${place.prefix}/`, urls }
}

/** AWS takes a week at most. */
const longest = 7 * 24 * 60 * 60

function presignSeconds(text: string): number {
  const parsed = parseDuration(text)
  if (!parsed.ok)
    throw new DeliverError('usage', `--presign: ${parsed.problem}`, { fix: 'E.g. --presign 12h.' })
  const seconds = Math.floor(parsed.value / 1000)
  if (seconds >= 1 && seconds <= longest) return seconds
  throw new DeliverError('usage', `--presign: ${text} is not possible`, { fix: 'AWS takes from 1s to 168h.' })
}
