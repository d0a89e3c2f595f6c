import type { Shell } from './tree.js'

/** A host to look at, through a shell that sees everything (root), not through deliver. */
export interface InspectedHost {
  readonly name: string
  readonly targetPath: string
  readonly shell: Shell
  /** The unit whose process must run in the current release; undefined: nothing is asked about a service. */
  readonly unit?: string
  /** What the host itself keeps in the target path, e.g. the log of its service. */
  readonly own?: readonly string[]
}

export interface Seen {
  readonly releases: readonly string[]
  /** Where `current` leads; undefined: it is no link. */
  readonly current: string | undefined
  /** Something that is no link stands at `current`. */
  readonly foreignCurrent: boolean
  /** What a finished deploy leaves to nobody: scratch, temporaries, a switch on trial. */
  readonly left: readonly string[]
  readonly guards: readonly string[]
  readonly service: { readonly pid: string; readonly cwd: string }
}

/** Shell commands, run in the target path; each answers in lines. */
const hostQuestions = {
  releases: 'ls -A releases 2>/dev/null',
  current: 'readlink current',
  foreign: '[ -L current ] || [ ! -e current ] || echo there',
  // A host begins the next release by itself after a deploy; that has an end.
  scratch:
    'for i in $(seq 150); do pgrep -f "[p]r(epare|une) path=$PWD" >/dev/null || break; sleep 0.2; done; ' +
    'find .deliver/incoming .deliver/trash -mindepth 1 -maxdepth 1 2>/dev/null',
  // Whatever lies beside the four names of the layout is a temporary that nobody removed.
  beside: "ls -A | grep -vxE 'current|releases|shared|\\.deliver'",
  trial: "grep -s '^unconfirmed ' .deliver/state",
  guards: "pgrep -af '/\\.deliver/agent' | grep -v pgrep",
}

function unitQuestions(unit: string | undefined) {
  const pid = `systemctl show -p MainPID --value ${unit ?? ''}`
  return unit === undefined ? { pid: ':', cwd: ':' } : { pid, cwd: `readlink "/proc/$(${pid})/cwd"` }
}

/** One look at everything but the trees, in one call, so that the answers belong together. */
export async function lookAround(host: InspectedHost): Promise<Seen> {
  const questions = { ...hostQuestions, ...unitQuestions(host.unit) }
  const line = `cd '${host.targetPath}' || exit 1; ${Object.values(questions).join("; printf '\\0'; ")}; :`
  const { code, stdout, stderr } = await host.shell(line, { encoding: 'latin1', timeout: 60_000 })
  if (code !== 0) throw new Error(`${host.name} can't be inspected: ${stderr}`)
  const answers = stdout.split('\0').map((text) => text.split('\n').filter((each) => each !== ''))
  const answer = (name: keyof typeof questions) => answers[Object.keys(questions).indexOf(name)] ?? []
  return {
    releases: answer('releases'),
    current: answer('current')[0],
    foreignCurrent: answer('foreign').length > 0,
    left: [
      ...answer('scratch'),
      ...answer('beside').filter((name) => host.own?.includes(name) !== true),
      ...answer('trial'),
    ],
    // Several hosts may share one machine and its process table; each is told by its own path.
    guards: answer('guards').filter((each) => each.includes(`${host.targetPath}/`)),
    service: { pid: answer('pid')[0] ?? '0', cwd: answer('cwd')[0] ?? '' },
  }
}
