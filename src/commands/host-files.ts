import type { Config, TargetFile } from '../config/types.js'
import type { HostFile } from '../execute/run.js'
import { envFile } from '../secrets/env-file.js'
import type { CommandContext } from './context.js'
import { revealed, secretPlace, withHealthSecrets } from './secrets.js'

/** The files of `target.files` as they are written on hosts, their secrets read once, when they are first asked for. */
export function hostFiles(context: CommandContext, config: Config): () => Promise<readonly HostFile[]> {
  let known: Promise<readonly HostFile[]> | undefined
  return () => {
    const files = config.target?.files ?? []
    return (known ??= Promise.all(files.map((file) => written(context, config, file))))
  }
}

/** Reads every secret that a deploy reads, each once: one that is missing is known before anything is done. */
export async function readSecrets(context: CommandContext, config: Config): Promise<void> {
  await Promise.all([withHealthSecrets(context, config), hostFiles(context, config)()])
}

async function written(
  context: CommandContext,
  config: Config,
  { path, mode, from }: TargetFile,
): Promise<HostFile> {
  const where = `target.files[${JSON.stringify(path)}]`
  const text =
    from.kind === 'env'
      ? envFile(await revealed(context, config, from.values, `${where}.env`), `${where}.env`)
      : ending(await context.secrets.reveal(from.content, where, secretPlace(context, config)))
  return { path, mode, content: Buffer.from(text) }
}

/** A text file ends with a newline; a secret is read without those at its end. */
function ending(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}
