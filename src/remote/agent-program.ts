import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The agent as it is sent to hosts. */
export interface AgentProgram {
  readonly text: Buffer
  readonly sha256: string
  /** Its name under `.deliver/` on a host: another program has another name, so two versions never disturb each other. */
  readonly file: string
}

let loaded: AgentProgram | undefined

/** The program that belongs to this version of deliver, read once. */
export function agentProgram(): AgentProgram {
  loaded ??= programOf(readFileSync(new URL('./agent.sh', import.meta.url)))
  return loaded
}

function programOf(text: Buffer): AgentProgram {
  const sha256 = createHash('sha256').update(text).digest('hex')
  return { text, sha256, file: `agent-${sha256.slice(0, 16)}.sh` }
}
