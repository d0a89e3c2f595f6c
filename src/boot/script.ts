import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { ownFile } from '../own-files.js'
import { newline, sh, type ShellLine } from '../remote/quote.js'

/** What `deliver user-data` prints: `sh` and `cloud-init` for user data, `program` to read, or to put into an image. */
export const userDataFormats = ['sh', 'cloud-init', 'program'] as const
export type UserDataFormat = (typeof userDataFormats)[number]

/** Where the objects of the store are, seen from a server. */
export type BootSource =
  | {
      readonly kind: 'role'
      readonly bucket: string
      /** Empty, or with a slash at its end. */
      readonly prefix: string
      /** Undefined: the region of the instance. */
      readonly region?: string
      /** Of a service that is not AWS's own. */
      readonly endpoint?: string
      /** What keys are appended to; `{region}` stands for the region. */
      readonly base: string
    }
  | { readonly kind: 'url'; readonly base: string }
  | {
      readonly kind: 'presigned'
      readonly place: string
      readonly urls: readonly (readonly [key: string, url: string])[]
    }

/** What a server must know before it has read the pointer; everything else is in the pointer. */
export interface BootScript {
  readonly app: string
  readonly environment: string
  /** target.path */
  readonly path: string
  /** Undefined: the user that runs the script. */
  readonly user?: string
  readonly source: BootSource
  readonly pointerKey: string
  /** `region` of the group; undefined: where the instance is. */
  readonly hook?: { readonly name: string; readonly group: string; readonly region?: string }
  /** The file of keys that may sign; undefined: what the server itself has. */
  readonly signers?: string
  /** Milliseconds. */
  readonly retryFor: number
}

/** EC2 takes user data of 16 KiB. */
export const userDataLimit = 16 * 1024
const installedAs = '/usr/local/bin/deliver-agent'

/** The whole program, for a POSIX shell: the settings, and then the parts in `program/`, in the order of their names. */
export function bootProgram(script: BootScript): string {
  const directory = ownFile('boot/program')
  const parts = readdirSync(directory)
    .filter((name) => name.endsWith('.sh'))
    .sort()
    .map((name) => readFileSync(join(directory, name), 'utf8'))
  return ['#!/bin/sh\n', `${head(script).text}\n`, ...parts].join('')
}

/** The same in as few bytes as can be unpacked everywhere: user data has a limit. */
export function userData(script: BootScript, format: UserDataFormat): string {
  const program = bootProgram(script)
  if (format === 'program') return program
  const packed = gzipSync(withoutComments(program), { level: 9 }).toString('base64')
  return format === 'sh' ? shellForm(script, packed) : cloudConfig(script, packed)
}

/** Signed URLs are for root alone; the rest is no secret. */
function modeOf({ source }: BootScript): string {
  return source.kind === 'presigned' ? '0700' : '0755'
}

/** The program counts when all of it unpacked: a cut copy of this script does nothing. */
function shellForm(script: BootScript, packed: string): string {
  const lines = packed.match(/.{1,120}/g) ?? []
  return `#!/bin/sh
# Made by deliver user-data for ${script.app}, ${script.environment}. It installs ${installedAs} and runs "deliver-agent boot".
# To read the program: deliver user-data --format program, or ${installedAs} on a server that booted.
umask 022
to=${installedAs}
mkdir -p "\${to%/*}"
base64 -d <<'end' | gzip -dc >"$to.new" && chmod ${modeOf(script)} "$to.new" && mv -f "$to.new" "$to" && exec "$to" boot
${lines.join('\n')}
end
echo "deliver: $to could not be written; it takes root, base64 and gzip" >&2
exit 3
`
}

function cloudConfig(script: BootScript, packed: string): string {
  return `#cloud-config
# Made by deliver user-data for ${script.app}, ${script.environment}.
write_files:
  - path: ${installedAs}
    permissions: '${modeOf(script)}'
    encoding: gz+b64
    content: ${packed}
runcmd:
  - [${installedAs}, boot]
`
}

function withoutComments(program: string): string {
  const [first = '', ...rest] = program.split('\n')
  return [first, ...rest.filter((line) => !/^\s*#/.test(line)).map((line) => line.trimStart())].join('\n')
}

function head(script: BootScript): ShellLine {
  const { app, environment, path, user = '', source, pointerKey, hook, retryFor, signers = '' } = script
  const role = source.kind === 'role' ? source : undefined
  const pinned = source.kind === 'presigned' ? source.urls.map((pair) => pair.join(' ')).join('\n') : ''
  const base = source.kind === 'presigned' ? '' : source.base
  const place = source.kind === 'presigned' ? source.place : source.base
  return sh`${newline}
app=${app} environment=${environment} path=${path} user=${user}
from=${source.kind} base=${base} place=${`${place}${pointerKey}`} pointer_key=${pointerKey}
bucket=${role?.bucket ?? ''} prefix=${role?.prefix ?? ''} region=${role?.region ?? ''} aws_endpoint=${role?.endpoint ?? ''}
hook=${hook?.name ?? ''} group=${hook?.group ?? ''} hook_region=${hook?.region ?? ''} retry_for=${Math.ceil(retryFor / 1000)}
scaling_endpoint=${scalingEndpoint(hook?.region ?? role?.region)}
pinned=${pinned} signers=${signers}`
}

function scalingEndpoint(region: string | undefined): string {
  return `https://autoscaling.{region}.${awsDomain(region)}`
}

/** AWS in China has another domain. */
export function awsDomain(region: string | undefined): string {
  return region?.startsWith('cn-') === true ? 'amazonaws.com.cn' : 'amazonaws.com'
}
