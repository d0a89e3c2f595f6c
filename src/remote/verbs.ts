/**
 * The calls that the agent understands, as values. What mutates carries the deploy's fence: a host that has seen a larger
 * one refuses. Every mutating call may be repeated; one that already happened answers ok. Readers are in facts.ts.
 */
import type { ServiceConfig } from '../config/types.js'
import { limited, looking, mutating, optional, type Args, type Limited, type Mutation } from './call.js'
import type { AgentCall } from './wire.js'
import { restartArgs, seconds, serviceArgs } from './service-args.js'

/** What stage unpacks: how the archive that was put is compressed. */
export type Encoding = 'zstd' | 'gzip' | 'none'

/** Looks at the host. With sizes, not enough room is a problem; with the service, no right to restart it. */
export function probe(
  wanted: { readonly bytes?: number; readonly inodes?: number; readonly service?: ServiceConfig } = {},
): AgentCall {
  return looking('probe', [
    ...optional('need', wanted.bytes),
    ...optional('inodes', wanted.inodes),
    ...serviceArgs(wanted.service),
  ])
}

interface Staging extends Mutation, Limited {
  readonly release: string
  /** The same for the puts and the stage of one attempt, and new for each attempt. `[A-Za-z0-9._-]` */
  readonly id: string
}

/** Takes the payload into scratch space; it counts only when size and sha256 are right. */
export function put(
  file: Staging & {
    readonly name: 'archive' | 'listing' | 'delta'
    readonly size: number
    readonly sha256: string
  },
): AgentCall {
  return mutating('put', file, [
    ['release', file.release],
    ['id', file.id],
    ['name', file.name],
    ['size', String(file.size)],
    ['sha256', file.sha256],
    ...limited(file),
  ])
}

/**
 * Writes a file of values and secrets for a release that is staged. The payload is `fileBody` of its content; nothing of that is
 * in an argument.
 */
export function file(
  written: Mutation & {
    readonly release: string
    /** Milliseconds, as of `Limited`: files are small. */
    readonly limit?: number
    /** In the release. */
    readonly path: string
    readonly mode: '600' | '640' | '644'
  },
): AgentCall {
  return mutating('file', written, [
    ['release', written.release],
    ['file', written.path],
    ['mode', written.mode],
    ...limited({ limit: written.limit ?? 40_000 }),
  ])
}

export function fileBody(content: Buffer, sha256: string): Buffer {
  return Buffer.concat([Buffer.from(`${sha256} ${content.length}\n`), content])
}

/** The statement of a release, and who vouches for it. */
export interface Signed {
  readonly statement: string
  /** Base64, on one line. */
  readonly signature: string
}

/** What of a release leads out of it. */
interface Linked {
  readonly signed?: Signed | undefined
  readonly shared: readonly string[]
  /** Paths of files that `file` writes. */
  readonly files?: readonly string[]
}

/** Makes the release from what was put. Answers ok at once when the host has it already. */
export function stage(
  staging: Staging & {
    /** sha256 of the listing. */
    readonly digest: string
    readonly encoding: Encoding
  } & Linked,
): AgentCall {
  return mutating('stage', staging, [
    ['release', staging.release],
    ['id', staging.id],
    ['digest', staging.digest],
    ['encoding', staging.encoding],
    ...linkedArgs(staging),
    ...limited(staging),
  ])
}

/**
 * Makes the release from another one of the host, and a delta that was put or is the payload. Code 22, and any that isn't
 * about room or the fence: send all of it.
 */
export function delta(
  staging: Staging & {
    readonly digest: string
    readonly base: { readonly release: string; readonly digest: string }
    /** A compressed patch of the base's listing, followed by a compressed tar. */
    readonly body: { readonly size: number; readonly sha256: string; readonly patchSize: number }
    readonly encoding: Encoding
    /** The tar is told as differences from the files of the base that the patch takes away. */
    readonly fromReplaced: boolean
    /** `changed`: hashes what the host doesn't know from an earlier hash; `full`: everything. */
    readonly verify: 'changed' | 'full'
  } & Linked,
): AgentCall {
  return mutating('delta', staging, [
    ['release', staging.release],
    ['id', staging.id],
    ['digest', staging.digest],
    ['base', staging.base.release],
    ['base-digest', staging.base.digest],
    ['size', String(staging.body.size)],
    ['sha256', staging.body.sha256],
    ['patch-size', String(staging.body.patchSize)],
    ['encoding', staging.encoding],
    ['from-replaced', staging.fromReplaced ? '1' : '0'],
    ['verify', staging.verify],
    ...linkedArgs(staging),
    ...limited(staging),
  ])
}

/** Puts a release away that was changed on the host after it was staged, unless it runs. */
export function recheck(wanted: Mutation & { readonly release: string }): AgentCall {
  return mutating('recheck', wanted, [['release', wanted.release]])
}

interface Switching extends Mutation {
  /** Names this switch: confirm and revert are about it and no other. `[A-Za-z0-9._-]` */
  readonly id: string
  readonly service?: ServiceConfig
  /** Lines of the restart's output that a failure shows. */
  readonly logLines?: number
}

/**
 * Switches `current` and restarts. Until `confirm` the switch is on trial. Codes 16 and 17: the restart failed, the switch is
 * still there and on trial.
 */
export function activate(
  switching: Switching & {
    readonly release: string
    readonly digest: string
    /** Milliseconds until an unconfirmed host goes back by itself; 0: never. */
    readonly guard: number
  },
): AgentCall {
  return mutating('activate', switching, [
    ['release', switching.release],
    ['digest', switching.digest],
    ['id', switching.id],
    ['guard', String(seconds(switching.guard))],
    ...switchingArgs(switching),
  ])
}

/** Makes the switch final. Code 18: this host isn't on trial with that id (it went back by itself, or somebody switched). */
export function confirm(
  switched: Mutation & {
    readonly id: string
    readonly via: 'deploy' | 'rollback'
    /** The release that was left because it is bad; it is never chosen for a rollback. */
    readonly markBad?: string
  },
): AgentCall {
  return mutating('confirm', switched, [
    ['id', switched.id],
    ['via', switched.via],
    ...(switched.markBad === undefined ? [] : ([['mark-bad', switched.markBad]] as const)),
  ])
}

/**
 * The switch with that id to that release shall not happen any more, should its call still be under way: `activate` is refused with code 18.
 * One that is on trial stays so. The answer has the host's state.
 */
export function withdraw(switching: Mutation & { readonly id: string; readonly release: string }): AgentCall {
  return mutating('withdraw', switching, [
    ['id', switching.id],
    ['release', switching.release],
  ])
}

/** Goes back to what ran before the switch with that id. */
export function revert(switched: Switching & { readonly markBad: boolean }): AgentCall {
  return mutating('revert', switched, [
    ['id', switched.id],
    ['mark-bad', switched.markBad ? '1' : '0'],
    ...switchingArgs(switched),
  ])
}

export function prune(
  pruning: Mutation &
    Limited & {
      readonly keep: number
      readonly protect?: readonly string[]
      /** Whether the host begins the next release by itself afterwards (agent/64-prepared.sh). */
      readonly prepare?: boolean
    },
): AgentCall {
  return mutating('prune', pruning, [
    ['keep', String(pruning.keep)],
    ['protect', (pruning.protect ?? []).join(',')],
    ...limited(pruning),
    ...(pruning.prepare === true ? ([['prepare', '1']] as const) : []),
  ])
}

function switchingArgs({ service, logLines }: Switching): Args {
  return [...restartArgs(service), ...optional('log-lines', logLines)]
}

/** One path a line; the config refuses paths with newlines, and so does the agent what isn't a path inside. */
function linkedArgs({ shared, files = [], signed }: Linked): Args {
  return [
    ['shared', shared.join('\n')],
    ...(files.length === 0 ? [] : ([['files', files.join('\n')]] as const)),
    ...(signed === undefined
      ? []
      : ([
          ['statement', signed.statement.trimEnd()],
          ['signature', signed.signature],
        ] as const)),
  ]
}
