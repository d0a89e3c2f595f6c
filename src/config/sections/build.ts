import { duration, secretText, text, whole, z } from '../fields.js'
import * as names from '../names.js'
import * as paths from '../paths.js'
import * as rules from '../rules.js'
import type { BuildConfig, Config } from '../types.js'

/** What happens on the build machine. */

const localPath = () => text(names.oneLine, 'path')

export const build = z
  .strictObject({
    setup: text(names.command, 'shell command')
      .exactOptional()
      .describe(
        'Command that builds the app. Default: the installer of the lockfile that the repository holds.',
      ),
    env: z
      .record(text(names.variableName), secretText(names.noNul))
      .prefault({})
      .describe(
        'Environment of the setup command, added to the caller’s: text, or { secret }. NODE_ENV is production unless it is set here.',
      ),
    deps: z
      .array(text(paths.relativePath, 'path'))
      .superRefine(rules.dependencies)
      .exactOptional()
      .describe(
        'What setup makes and the release needs, relative to the repository. Default: node_modules, if the app has dependencies.',
      ),
    timeout: duration().prefault('30m').describe('How long setup may take.'),
    cache: z
      .union([
        z.literal(false),
        z.strictObject({
          files: z
            .array(text(paths.relativePath, 'path'))
            .prefault([])
            .describe('Files and directories that decide too, relative to the repository.'),
        }),
      ])
      .exactOptional()
      .describe(
        'Setup restores what it made of the same lockfile before, instead of running. Default: if it only installs. `{ files }`: whatever it does, for nothing but lockfiles, settings and these files decides what it makes. false: never. See docs/dependency-cache.md.',
      ),
    keep: whole(1, 10_000)
      .prefault(3)
      .describe('Prebuilt tags, archives and dependency trees that cleaning leaves.'),
  })
  .transform(({ deps, cache, ...rest }) => ({
    ...rest,
    cache: cacheOf(cache),
    env: { NODE_ENV: 'production', ...rest.env },
    ...(deps === undefined ? {} : { deps: deps.map(paths.trimmed) }),
  })) satisfies z.ZodType<BuildConfig>

function cacheOf(given: false | { readonly files: readonly string[] } | undefined): BuildConfig['cache'] {
  if (given === undefined) return { kind: 'auto' }
  return given === false ? { kind: 'off' } : { kind: 'files', files: given.files.map(paths.trimmed) }
}

export const archive = z
  .strictObject({
    format: z.enum(['tar.zst', 'tar.gz', 'tar']).prefault('tar.zst').describe('How a release is packed.'),
    level: whole(1, 19)
      .exactOptional()
      .describe('Compression level: 1 to 19 for tar.zst, 1 to 9 for tar.gz. Default: the compressor’s own.'),
    directory: localPath()
      .exactOptional()
      .describe('Where archives are written, relative to the config file.'),
  })
  .superRefine(rules.compression) satisfies z.ZodType<Config['archive']>
