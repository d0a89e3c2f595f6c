import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { describe, expect, test } from 'vitest'
import { generateKeyPair, knownHostsLine } from '../../src/sandbox/keys.js'
import { scratchDirectory } from './scratch.js'

const hasKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined

describe('generateKeyPair', () => {
  test('500 keys in a row: ssh2 reads each, and both halves belong together', () => {
    for (let i = 0; i < 500; i++) {
      const { privateKey, publicKey } = generateKeyPair('web1')
      const secret = ssh2.utils.parseKey(privateKey)
      const open = ssh2.utils.parseKey(publicKey)
      if (secret instanceof Error) throw secret
      if (open instanceof Error) throw open
      expect(open.verify('message', secret.sign('message'))).toBe(true)
      expect(secret.getPublicSSH().equals(open.getPublicSSH())).toBe(true)
    }
  })

  test.skipIf(!hasKeygen)('OpenSSH reads it, whatever the length of the comment', async () => {
    const directory = await scratchDirectory()
    for (const comment of ['', 'a', 'client', 'web12345', 'nine char']) {
      const { privateKey, publicKey } = generateKeyPair(comment)
      const file = join(directory, `key-${comment.length}`)
      await writeFile(file, privateKey, { mode: 0o600 })
      const read = spawnSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' })
      expect(read.stderr).toBe('')
      expect(read.stdout.trim()).toBe(publicKey.trim())
    }
  })

  test('never the same key twice', () => {
    expect(generateKeyPair('a').privateKey).not.toBe(generateKeyPair('a').privateKey)
  })
})

test('a known_hosts line names address and port, and leaves the comment out', () => {
  expect(knownHostsLine('127.0.0.1', 2201, 'ssh-ed25519 AAAA web1')).toBe(
    '[127.0.0.1]:2201 ssh-ed25519 AAAA\n',
  )
})
