import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseCertificate } from '../../../src/adapters/ssh/host-certificate.js'
import { sshString } from '../../../src/adapters/ssh/openssh/packet.js'

let directory: string
const wire = (file: string): Buffer =>
  Buffer.from(readFileSync(join(directory, file), 'utf8').split(' ')[1] ?? '', 'base64')

function keygen(...args: readonly string[]): void {
  execFileSync('ssh-keygen', ['-q', ...args], { cwd: directory })
}

const types = ['ed25519', 'rsa', 'ecdsa'] as const

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'deliver-certificate-'))
  keygen('-t', 'ed25519', '-N', '', '-f', 'authority')
  for (const type of types) {
    keygen('-t', type, '-N', '', '-f', type)
    keygen(
      '-s',
      'authority',
      '-I',
      'id',
      '-h',
      '-n',
      'web1,10.0.0.1',
      '-V',
      '20200101Z:20300101Z',
      `${type}.pub`,
    )
  }
})
afterAll(() => rmSync(directory, { recursive: true }))

describe('parseCertificate', () => {
  test.each(types)('%s: key, authority, principals and the end of its time', (type) => {
    expect(parseCertificate(wire(`${type}-cert.pub`))).toEqual({
      key: wire(`${type}.pub`),
      authority: wire('authority.pub'),
      principals: ['web1', '10.0.0.1'],
      validBefore: BigInt(Date.UTC(2030, 0, 1) / 1000),
    })
  })

  test('for any name, and for ever', () => {
    keygen('-t', 'ed25519', '-N', '', '-f', 'any')
    keygen('-s', 'authority', '-I', 'id', '-h', 'any.pub')
    expect(parseCertificate(wire('any-cert.pub'))).toMatchObject({
      principals: [],
      validBefore: 2n ** 64n - 1n,
    })
  })

  test('a plain key is none', () => {
    for (const type of types) expect(parseCertificate(wire(`${type}.pub`))).toBeUndefined()
  })

  test('one that is cut anywhere before its signature is none', () => {
    for (const type of types) {
      const whole = wire(`${type}-cert.pub`)
      const authority = wire('authority.pub')
      const signed = whole.indexOf(authority) + authority.length
      for (let end = 0; end < signed; end++)
        expect(parseCertificate(whole.subarray(0, end)), `${end}`).toBeUndefined()
      expect(parseCertificate(whole.subarray(0, signed))).toBeDefined()
    }
  })

  test('a type that we do not know is none, whatever its name', () => {
    for (const name of [
      'constructor',
      '__proto__',
      'toString',
      'ssh-dss',
      'sk-ssh-ed25519@openssh.com',
      '',
    ]) {
      const type = sshString(`${name}-cert-v01@openssh.com`)
      const rest = wire('ed25519-cert.pub').subarray(sshString('ssh-ed25519-cert-v01@openssh.com').length)
      expect(parseCertificate(Buffer.concat([type, rest])), name).toBeUndefined()
    }
  })

  test('never throws, whatever the bytes', () => {
    const certificate = wire('ed25519-cert.pub')
    const edits = fc.array(fc.tuple(fc.nat(certificate.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(edits, fc.uint8Array(), (changes, random) => {
        const damaged = Buffer.from(certificate)
        for (const [at, byte] of changes) damaged[at] = byte
        for (const blob of [
          damaged,
          Buffer.from(random),
          Buffer.concat([sshString('ssh-rsa-cert-v01@openssh.com'), random]),
        ])
          for (const name of parseCertificate(blob)?.principals ?? [])
            expect(name.length).toBeLessThan(blob.length)
      }),
    )
  })
})
