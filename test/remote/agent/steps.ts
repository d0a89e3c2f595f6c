/** Steps of a deploy that most tests need, each expected to succeed. */
import { readFileSync, existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { ServiceConfig } from '../../../src/config/types.js'
import type { Answer } from '../../../src/remote/answers.js'
import { readHostFacts } from '../../../src/remote/readings.js'
import type { HostFacts } from '../../../src/remote/facts.js'
import { activate, confirm, probe, put, stage } from '../../../src/remote/verbs.js'
import type { LocalHost } from './host.js'
import { pack, plant, sha256, type Packed, type Tree } from './release-on-disk.js'

export const smallTree: Tree = {
  'server.js': 'console.log(1)\n',
  'bin/start!': '#!/bin/sh\n',
  'node_modules/.bin/x': { link: '../x/cli.js' },
  'node_modules/x/cli.js!': '#!/usr/bin/env node\n',
}

/** Code and text of an answer, for one expectation. */
export function result(answer: Answer): readonly [number | 'unknown', string] {
  return answer.kind === 'answer' ? [answer.code, answer.text] : ['unknown', answer.because]
}

export function expectCode(answer: Answer, code: number): void {
  expect(result(answer), answer.log).toEqual([code, expect.any(String)])
}

export function packTree(host: LocalHost, release: string, tree: Tree = smallTree): Packed {
  const root = join(host.home, 'trees', `${release}-${Object.keys(tree).length}`)
  if (!existsSync(root)) plant(root, { ...tree, RELEASE: release })
  return pack(root)
}

export async function putBoth(
  host: LocalHost,
  release: string,
  packed: Packed,
  { id = 'put1', fence = 1 } = {},
): Promise<void> {
  for (const name of ['archive', 'listing'] as const) {
    const bytes = packed[name]
    const call = put({ fence, release, id, name, size: bytes.length, sha256: sha256(bytes) })
    expectCode(await host.call(call, { stdin: bytes }), 0)
  }
}

/** Puts and stages; the answer is stage's. */
export async function stageTree(
  host: LocalHost,
  release: string,
  { packed = packTree(host, release), id = 'put1', fence = 1, shared = [] as readonly string[] } = {},
): Promise<Answer> {
  await putBoth(host, release, packed, { id, fence })
  return host.call(stage({ fence, release, id, digest: packed.digest, encoding: 'none', shared }))
}

export const commandService = (restart: string, timeout = 10_000, stop?: string): ServiceConfig => ({
  manager: { kind: 'command', restart, ...(stop === undefined ? {} : { stop }) },
  timeout,
})

/** Stages, activates and confirms. */
export async function ship(host: LocalHost, release: string, fence = 1): Promise<void> {
  const packed = packTree(host, release)
  expectCode(await stageTree(host, release, { packed, fence, id: `s-${release}` }), 0)
  const id = `a-${release}`
  expectCode(await host.call(activate({ fence, release, digest: packed.digest, id, guard: 0 })), 0)
  expectCode(await host.call(confirm({ fence, id, via: 'deploy' })), 0)
}

export async function facts(host: LocalHost): Promise<HostFacts> {
  const reading = readHostFacts(await host.call(probe()))
  if (reading.kind !== 'ok') throw new Error(JSON.stringify(reading))
  return reading.value
}

export function currentOf(host: LocalHost): string | undefined {
  return lstatSync(host.at('current'), { throwIfNoEntry: false }) === undefined
    ? undefined
    : readlinkSync(host.at('current'))
}

/** Invariant 1: `current` is absent or names a complete release, and every release directory is complete. */
export function expectWhole(host: LocalHost): void {
  const releases = existsSync(host.at('releases')) ? readdirSync(host.at('releases')) : []
  for (const release of releases) {
    const listing = readFileSync(host.at('.deliver/manifests', release, 'listing'))
    expect(readFileSync(host.at('.deliver/manifests', release, 'digest'), 'utf8').trim()).toBe(
      sha256(listing),
    )
    expect(pack(host.at('releases', release)).digest, `releases/${release}`).toBe(sha256(listing))
  }
  const current = currentOf(host)
  if (current !== undefined) expect(releases.map((release) => `releases/${release}`)).toContain(current)
}
