import { createHash, createHmac } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SignatureV4 } from '@smithy/signature-v4'
import { expect, it } from 'vitest'
import { onEachShell, type BootPlace } from './place.js'

/** AWS's own signer takes its hash like this. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytes(secret))
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytes(data))
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }
}

function bytes(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data)
}

const program = fileURLToPath(new URL('../../src/boot/program/', import.meta.url))

/** Runs lines after the functions of the program, with the clock at one moment. */
async function withProgram(place: BootPlace, lines: string): Promise<string> {
  const parts = readdirSync(program)
    .sort()
    .filter((name) => name < '20')
    .map((name) => readFileSync(join(program, name), 'utf8'))
  const file = join(place.directory, 'lines.sh')
  writeFileSync(file, `${parts.join('')}\ndate() { echo 20300102T030405Z; }\nfind_hash\n${lines}\n`)
  const { code, output } = await place.sh([file])
  expect(code, output).toBe(0)
  return output
}

onEachShell((make) => {
  it.each([
    ['0b'.repeat(20), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      '4a656665',
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    ['aa'.repeat(20), '\\335'.repeat(50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
  ])('authenticates as RFC 4231 says: %s', async (key, text, expected) => {
    expect(await withProgram(make(), `printf '${text}' | hmac ${key}`)).toBe(expected)
  })

  it.each([
    ['s3', 'GET', 'https://builds.s3.eu-west-1.amazonaws.com/apps/api/production/current.json', '', ''],
    ['s3', 'GET', 'http://10.0.0.1:5000/builds/api/current.json', '', 'to/ken+with==signs'],
    [
      'autoscaling',
      'POST',
      'https://autoscaling.eu-west-1.amazonaws.com/',
      'Action=X&Version=2011-01-01',
      'token',
    ],
  ] as const)('signs as the SDK does: %s %s %s', async (service, method, url, body, token) => {
    const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
    const output = await withProgram(
      make(),
      `printf '%s' '${body}' >body
       key_id=AKIDEXAMPLE secret='${secret}' token='${token}' region=eu-west-1
       sign ${service} ${method} '${url}' body`,
    )
    const headers = Object.fromEntries(
      [...output.matchAll(/^header = "([^:]+): (.*)"$/gm)].map(([, name = '', value]) => [
        name.toLowerCase(),
        value,
      ]),
    )
    const { host, pathname, protocol } = new URL(url)
    const signer = new SignatureV4({
      service,
      region: 'eu-west-1',
      sha256: Sha256,
      uriEscapePath: service !== 's3',
      credentials: {
        accessKeyId: 'AKIDEXAMPLE',
        secretAccessKey: secret,
        ...(token === '' ? {} : { sessionToken: token }),
      },
    })
    const signed = await signer.sign(
      {
        method,
        protocol,
        hostname: host,
        path: pathname,
        headers: { host, 'x-amz-content-sha256': createHash('sha256').update(body).digest('hex') },
        body,
      },
      { signingDate: new Date('2030-01-02T03:04:05Z') },
    )
    expect(headers['authorization']).toBe(signed.headers['authorization'])
    expect(headers['x-amz-security-token'] ?? '').toBe(token)
  })

  it('shows no secret to others on the server: not one is an argument of a program', async () => {
    const place = make()
    const output = await withProgram(
      place,
      `for each in sha256sum od tr sed cat wc; do
         eval "$each() { echo $each "'"$*" >>arguments; command '"$each"' "$@"; }'
       done
       key_id=AKIDEXAMPLE secret=very-secret token=also-secret region=eu-west-1
       sign s3 GET https://a/b /dev/null >signed
       command cat arguments`,
    )
    expect(output).toContain('sha256sum')
    expect(output).not.toMatch(/secret/)
  })
})
