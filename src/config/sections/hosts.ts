import { duration, oneOrMore, secretText, text, whole, z } from '../fields.js'
import * as names from '../names.js'
import * as paths from '../paths.js'
import * as rules from '../rules.js'
import type { FileMode, HostKeyFunction, SshConfig, TargetConfig, TargetFile } from '../types.js'

/** How hosts are reached, and where the app lives on them. */

const localPath = () => text(names.oneLine, 'path')
const port = () => whole(1, 65535)

export const ssh = z.strictObject({
  user: text(names.userName, 'user')
    .exactOptional()
    .describe('Login on every host. Default: what the ssh config says, else the local user.'),
  port: port().exactOptional().describe('Default: what the ssh config says, else 22.'),
  identityFile: oneOrMore(localPath())
    .exactOptional()
    .describe('Private key, or a list of them. Default: the agent’s, then those of the ssh config.'),
  knownHosts: oneOrMore(localPath())
    .exactOptional()
    .describe('File of known host keys, or a list. Default: what the ssh config says.'),
  hostKeys: z
    .union([
      z.enum(['strict', 'accept-new']),
      z.custom<HostKeyFunction>((value) => typeof value === 'function').meta({ label: 'function' }),
      z.strictObject({
        command: text(names.oneLine, 'shell command').describe(
          'Run here, for each host; DELIVER_HOST, DELIVER_HOST_ADDRESS, DELIVER_HOST_PORT and DELIVER_HOST_INSTANCE tell which.',
        ),
        timeout: duration().prefault('10s').describe('Until the command is ended, which is a failure.'),
      }),
    ])
    .exactOptional()
    .describe(
      'strict refuses hosts whose key is not known; accept-new remembers new ones (those of cloud servers by instance id) and refuses changed ones; a command or function gives the keys that a host may show. Default: what the ssh config says, else strict.',
    ),
  client: z
    .enum(['auto', 'ssh2', 'openssh'])
    .prefault('auto')
    .describe(
      'Who connects: the library ssh2, or the ssh of this machine (OpenSSH 8.5 or newer), which honours all of the ssh config. auto is ssh2, and OpenSSH for hosts whose config needs it.',
    ),
  config: z
    .union([localPath(), z.literal(false)])
    .prefault('~/.ssh/config')
    .describe('ssh config to honour; false: none.'),
  agent: z.boolean().prefault(true).describe('Ask the ssh agent for keys.'),
  connectTimeout: duration()
    .exactOptional()
    .describe('How long connecting and logging in may take. Default: what the ssh config says, else 10s.'),
  keepalive: duration()
    .exactOptional()
    .describe(
      'Between keepalives; a connection that misses three is lost. Default: what the ssh config says, else 15s.',
    ),
  retries: whole(0, 20).prefault(3).describe('Further attempts to connect, where the failure may pass.'),
  concurrency: z
    .union([z.enum(['auto']), whole(1, 1000)])
    .prefault('auto')
    .describe(
      'Hosts worked on at once. auto lets more in while deliver itself has little to do, up to 256, and fewer when it has too much, down to 8: see docs/ssh.md. How many hosts restart at once is for rollout.batch.',
    ),
}) satisfies z.ZodType<SshConfig>

const mode = () => z.enum(['600', '640', '644']).prefault('600')

const targetFile = z.union([
  secretText(names.noNul),
  z.strictObject({ content: secretText(names.noNul), mode: mode() }),
  z.strictObject({ env: z.record(text(names.variableName), secretText(names.envValue)), mode: mode() }),
])

function fileAt(path: string, value: z.output<typeof targetFile>): TargetFile {
  const of = (from: TargetFile['from'], wanted: FileMode = '600'): TargetFile => ({
    path: paths.trimmed(path),
    mode: wanted,
    from,
  })
  if (typeof value === 'string' || 'secret' in value) return of({ kind: 'content', content: value })
  return 'env' in value
    ? of({ kind: 'env', values: value.env }, value.mode)
    : of({ kind: 'content', content: value.content }, value.mode)
}

export const target = z
  .strictObject({
    path: text(paths.hostPath, 'path').describe(
      'Directory on every host that holds the app; absolute, or relative to the login directory.',
    ),
    keep: whole(1, 1000)
      .prefault(5)
      .describe('Releases that stay on a host, with the running one and the one to roll back to.'),
    shared: z
      .array(text(paths.relativePath, 'path'))
      .superRefine(rules.distinctPaths)
      .prefault([])
      .describe(
        'Files and directories that outlive releases; they lie in shared/ and are linked into each release.',
      ),
    files: z
      .record(text(paths.relativePath, 'path'), targetFile)
      .exactOptional()
      .describe(
        'Files of values and secrets that a deploy writes on each host, for this release alone, by their paths in the release: text, { secret }, { env: { NAME: … }, mode } or { content, mode }. mode is 600, 640 or 644; default 600. See docs/secrets.md.',
      ),
    verify: z
      .enum(['changed', 'full'])
      .prefault('changed')
      .describe(
        'What of a new release a host hashes: changed trusts files that it hashed before while size, times and inode are the same; full trusts none.',
      ),
    prepare: z
      .boolean()
      .prefault(true)
      .describe(
        'Whether a host links a release of 500 entries or more into the beginning of the next one in the background after its deploy, so that the next deploy is faster.',
      ),
  })
  .superRefine(rules.filesBesideShared)
  .transform(({ files, ...value }) => ({
    ...value,
    path: paths.trimmed(value.path),
    shared: value.shared.map(paths.trimmed),
    ...(files === undefined
      ? {}
      : {
          files: Object.keys(files)
            .sort()
            .flatMap((path) => (files[path] === undefined ? [] : [fileAt(path, files[path])])),
        }),
  })) satisfies z.ZodType<TargetConfig>
