import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a sandbox remembers between runs, in `state.json` of its directory. */
export interface SandboxState {
  /** The process that runs the sandbox; absent when it was stopped. */
  readonly pid?: number
  /** SSH ports by host name, taken again if free. */
  readonly sshPorts: Readonly<Record<string, number>>
}

const file = (directory: string) => join(directory, 'state.json')

/** The state of an earlier run. One that is missing or can't be read is an empty one: everything in it can be made anew. */
export async function readState(directory: string): Promise<SandboxState> {
  try {
    return parse(JSON.parse(await readFile(file(directory), 'utf8')))
  } catch {
    return { sshPorts: {} }
  }
}

export async function writeState(directory: string, state: SandboxState): Promise<void> {
  await writeFile(`${file(directory)}.new`, `${JSON.stringify(state, undefined, 2)}\n`)
  await rename(`${file(directory)}.new`, file(directory))
}

function parse(value: unknown): SandboxState {
  if (typeof value !== 'object' || value === null) return { sshPorts: {} }
  const pid = 'pid' in value && isPositive(value.pid) ? { pid: value.pid } : {}
  const ports =
    'sshPorts' in value && typeof value.sshPorts === 'object' ? Object.entries(value.sshPorts ?? {}) : []
  const usable = ports.filter((entry): entry is [string, number] => isPositive(entry[1]) && entry[1] < 65_535)
  return { ...pid, sshPorts: Object.fromEntries(usable) }
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0
}
