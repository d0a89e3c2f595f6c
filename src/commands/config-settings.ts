import { createHmac } from 'node:crypto'
import type { Config } from '../config/types.js'
import { fingerprint, type Setting } from '../plan/saved-plan.js'

/** What a rollout does depends on these. Where and how to build, log in and store doesn't change what a plan says. */
const sections: ReadonlySet<string> = new Set(['target', 'service', 'rollout', 'health', 'hooks', 'drain'])
/** Texts out of a short list: no secret fits. */
const open: ReadonlySet<string> = new Set(['rollout.strategy', 'rollout.onFailure', 'target.path'])

/** The settings of a config that a rollout depends on, one by one. Other texts are fingerprints: they may be secrets. */
export function settingsOf(config: Config, salt: string): readonly Setting[] {
  const settings: Setting[] = []
  const add = (path: string, value: unknown): void => {
    if (value === undefined) return
    if (typeof value === 'object' && value !== null) {
      for (const [key, each] of Object.entries(value)) add(`${path}.${key}`, each)
      return
    }
    const text = textOf(value)
    const plain = typeof value === 'number' || typeof value === 'boolean' || open.has(path)
    settings.push({ path, value: plain ? text : printOf(path, text, salt) })
  }
  for (const [section, value] of Object.entries(config)) if (sections.has(section)) add(section, value)
  return settings.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** A function of the config is what its source says. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'function' ? Function.prototype.toString.call(value) : JSON.stringify(value)
}

function printOf(path: string, text: string, salt: string): string {
  return `${fingerprint}${createHmac('sha256', salt).update(`${path}\0${text}`).digest('hex')}`
}
