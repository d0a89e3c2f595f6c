import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownFile } from '../own-files.js'

/** The agent as it is sent to hosts. */
export interface AgentProgram {
  readonly text: Buffer
  readonly sha256: string
  /** Its name under `.deliver/` on a host: another program has another name, so two versions never disturb each other. */
  readonly file: string
}

let loaded: AgentProgram | undefined

/** The program that belongs to this version of deliver, read once: the parts in `agent/`, in the order of their names. */
export function agentProgram(): AgentProgram {
  loaded ??= programOf(parts())
  return loaded
}

function parts(): Buffer {
  const directory = ownFile('remote/agent')
  const names = readdirSync(directory)
    .filter((name) => name.endsWith('.sh'))
    .sort()
  return Buffer.concat(names.map((name) => readFileSync(join(directory, name))))
}

function programOf(text: Buffer): AgentProgram {
  const sha256 = createHash('sha256').update(text).digest('hex')
  return { text, sha256, file: `agent-${sha256.slice(0, 16)}.sh` }
}
