import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { DeliverError, messageOf } from '../errors.js'
import type { PlannedHost, SavedPlan, Setting } from '../plan/saved-plan.js'
import { readFields, sha256, type Fields } from '../store/json.js'

const largest = 8 * 1024 * 1024
const anotherPlan = 'Make a new one: deliver deploy --dry-run --out FILE.'

/** Replaces the file as a whole or not at all. */
export async function writePlanFile(directory: string, file: string, plan: SavedPlan): Promise<void> {
  const path = resolve(directory, file)
  const aside = `${path}.${process.pid}.new`
  try {
    await writeFile(aside, `${JSON.stringify(plan, null, 2)}\n`, { flag: 'wx' })
    await rename(aside, path)
  } catch (cause) {
    await rm(aside, { force: true })
    throw new DeliverError('failed', `--out ${file}: ${messageOf(cause)}`, {
      fix: 'Name a file in a directory that is there and may be written.',
      cause,
    })
  }
}

/** Throws unless it is a plan: it may come from anywhere. */
export async function readPlanFile(directory: string, file: string): Promise<SavedPlan> {
  const path = resolve(directory, file)
  let text: string
  try {
    const { size } = await stat(path)
    if (size > largest) throw new Error(`it has ${size} bytes, and no plan has`)
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new DeliverError('usage', `--plan ${file}: ${messageOf(cause)}`, { fix: anotherPlan, cause })
  }
  return parsePlan(file, text)
}

export function parsePlan(where: string, text: string): SavedPlan {
  const plan = readFields(where, text, { place: '', fix: anotherPlan })
  const options = plan.object('options')
  const batches = plan.objects('batches').map((batch) => ({ hosts: batch.texts('hosts') }))
  return {
    version: 1,
    madeAt: plan.text('madeAt'),
    app: plan.text('app'),
    environment: plan.text('environment'),
    release: plan.text('release', /^[A-Za-z0-9_][A-Za-z0-9._-]*$/),
    digest: plan.text('digest', sha256),
    options: {
      ...given('hosts', options.optionalText('hosts')),
      ...given('limit', options.optionalText('limit')),
      onlyOutdated: options.flag('onlyOutdated'),
      // Nothing but the rollout: a file that says where to deploy to is no plan.
      flags: options.objects('flags').map((each) => setting(each, /^rollout\.[A-Za-z.]{1,60}$/)),
    },
    ...(plan.has('pointer') ? { pointer: pointerOf(plan.object('pointer')) } : {}),
    hosts: plan.objects('hosts').map(hostOf),
    batches,
    config: plan.objects('config').map((each) => setting(each)),
    salt: plan.text('salt', /^[0-9a-f]{32}$/),
  }
}

function setting(fields: Fields, paths?: RegExp): Setting {
  return { path: fields.text('path', paths), value: fields.text('value') }
}

function pointerOf(fields: Fields): NonNullable<SavedPlan['pointer']> {
  return { release: fields.text('release'), generation: fields.count('generation') }
}

function hostOf(fields: Fields): PlannedHost {
  return {
    name: fields.text('name'),
    address: fields.text('address'),
    ...(fields.has('port') ? { port: fields.count('port') } : {}),
    ...given('instance', fields.optionalText('instance')),
    ...given('current', fields.optionalText('current')),
    unconfirmed: fields.flag('unconfirmed'),
    ...(fields.has('staged') ? { staged: fields.text('staged', sha256) } : {}),
  }
}

/** An object with that one text, or without it. */
function given<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  const found: { [P in K]?: string } = {}
  if (value !== undefined) found[key] = value
  return found
}
