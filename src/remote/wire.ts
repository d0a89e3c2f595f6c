/**
 * How a call travels. The login shell of a host may be fish, csh or noisy, so it is given one constant without any value; the
 * first line of stdin is the call, for a POSIX sh, and what follows is the call's payload.
 */
import type { AgentProgram } from './agent-program.js'
import { newline, sh, type ShellLine } from './quote.js'

/** Only single-quoted plain text, the same in every shell. LC_ALL=C: `read` must take bytes as they come. */
export const remoteCommand = `exec sh -c 'LC_ALL=C;export LC_ALL;IFS= read -r c;eval "$c"'`

export interface AgentCall {
  readonly verb: string
  readonly args: readonly (readonly [key: string, value: string])[]
  /** Of the command that the call runs. It is never an argument of a process: others on the host could read it there. */
  readonly env?: Readonly<Record<string, string>>
  /** Looks only: never waits for the host's lock, and runs on a host where nothing is installed without installing anything. */
  readonly readOnly: boolean
}

export interface Addressed {
  /** target.path: absolute, `~/…`, or relative to the login directory. */
  readonly path: string
  readonly nonce: string
  readonly call: AgentCall
}

/** Runs the agent that is installed under the path; answers `need agent` (21) when it isn't. */
export function callLine(addressed: Addressed, program: AgentProgram): Buffer {
  return encode(
    sh`${start(addressed)}a=$p/.deliver/${program.file};if [ -f "$a" ];then exec sh "$a" "$@";fi;echo;echo @${addressed.nonce} end 21 need agent`,
  )
}

/**
 * Runs the agent from its text, which is the payload. A cut connection looks like a shorter text to the host: nothing runs
 * unless all of it arrived.
 */
export function inlineLine(addressed: Addressed, program: AgentProgram): Buffer {
  return encode(
    sh`${start(addressed)}agent_text=$(cat;echo .);agent_text=\${agent_text%.};if [ \${#agent_text} -eq ${program.text.length} ];then eval "$agent_text";else echo;echo @${addressed.nonce} end 15 the agent did not arrive whole;fi`,
  )
}

/** Installs the agent that `inlineLine` runs, so that later calls are one line. */
export function installCall(program: AgentProgram): AgentCall {
  return {
    verb: 'install',
    args: [
      ['file', program.file],
      ['sha256', program.sha256],
    ],
    readOnly: false,
  }
}

function start({ path, nonce, call }: Addressed): ShellLine {
  // Under names of our own, so that none of them means something to the agent; `variables` tells what they are called.
  const env = Object.values(call.env ?? {}).reduce(
    (line, value, index) => sh`${line}export ${`DELIVER_ENV_${index}=${value}`};`,
    sh``,
  )
  const args = call.args.reduce((line, [key, value]) => sh`${line} ${`${key}=${value}`}`, sh``)
  return sh`${newline}p=${path};case $p in /*);;'~')p=$HOME;;'~/'*)p=$HOME/\${p#??};;*)p=$PWD/$p;;esac;${env}set -- ${nonce} ${call.verb} "path=$p"${args};`
}

function encode(line: ShellLine): Buffer {
  return Buffer.from(`${line.text}\n`)
}
