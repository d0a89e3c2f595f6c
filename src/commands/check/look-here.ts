import * as zlib from 'node:zlib'
import { startProcess } from '../../adapters/process.js'
import type { ConfigFacts, GitFacts, Looked, ToolFacts } from '../../check/facts.js'
import type { Config } from '../../config/types.js'
import type { CommandContext } from '../context.js'
import { looked } from './looked.js'

export function configFacts(config: Config): ConfigFacts {
  const sections = (['store', 'fleet', 'target', 'service', 'health'] as const).filter(
    (section) => config[section] !== undefined,
  )
  const { guard, onFailure } = config.rollout
  return {
    app: config.app,
    environment: config.environment,
    sections: new Set(sections),
    format: config.archive.format,
    guarded: guard !== 0 && onFailure !== 'stop',
    prunesStore: config.store?.keep !== undefined,
  }
}

export function lookAtClone(context: CommandContext, config: Config | undefined): Promise<Looked<GitFacts>> {
  return looked(async () => {
    const { lookAtGit } = await import('../../adapters/git-look.js')
    return lookAtGit(config?.directory ?? context.cwd, config?.build.deps ?? ['node_modules'])
  })
}

export async function lookAtTools(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<ToolFacts> {
  const native = typeof Reflect.get(zlib, 'createZstdCompress') === 'function'
  return { node: process.version, zstd: native || (await hasZstd(env, signal)) }
}

async function hasZstd(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<boolean> {
  const { stdout, stderr, ended } = startProcess({
    command: 'zstd',
    args: ['--version'],
    cwd: '/',
    env: { PATH: env.PATH },
    timeout: 10_000,
    signal,
  })
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined).resume()
  const end = await ended
  return end.kind === 'exit' && end.code === 0
}
