import { spawnSync } from 'node:child_process'
import { gunzipSync } from 'node:zlib'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bootProgram, userData, userDataLimit, type BootScript } from '../../src/boot/script.js'
import { bootSource } from '../../src/boot/source.js'
import { onEachShell } from './place.js'

const script: BootScript = {
  app: 'api',
  environment: 'production',
  path: '/srv/api',
  user: 'deploy',
  source: {
    kind: 'role',
    bucket: 'builds',
    prefix: 'apps/',
    base: 'https://builds.s3.{region}.amazonaws.com/apps/',
  },
  pointerKey: 'api/production/current.json',
  hook: { name: 'boot', group: `it's "a" $(group) \\ with\nlines` },
  retryFor: 600_000,
}

describe('user data', () => {
  it.each(['sh', 'cloud-init'] as const)('%s has room for more: EC2 takes 16 KiB', (format) => {
    expect(Buffer.byteLength(userData(script, format))).toBeLessThan(12 * 1024)
    expect(userDataLimit).toBe(16_384)
  })

  it('is one program in every format', () => {
    const unpack = (text: string): string => gunzipSync(Buffer.from(text, 'base64')).toString()
    const [, inShell = ''] = /<<'end'.*\n([^]*)\nend\n/.exec(userData(script, 'sh')) ?? []
    const [, inYaml = ''] = /content: (\S+)/.exec(userData(script, 'cloud-init')) ?? []
    expect(unpack(inShell)).toBe(unpack(inYaml))
    const code = (text: string): string[] =>
      text
        .split('\n')
        .map((line) => line.trimStart())
        .filter((line) => !line.startsWith('#'))
    expect(code(unpack(inShell))).toEqual(code(userData(script, 'program')))
  })

  it('is clean for a careful reader', () => {
    const { stdout, error } = spawnSync(
      'shellcheck',
      ['-s', 'sh', '-e', 'SC2015,SC2016,SC2034,SC2154', '-'],
      {
        input: bootProgram(script),
        encoding: 'utf8',
      },
    )
    if (error === undefined) expect(stdout).toBe('')
  })

  it('keeps signed URLs to root', () => {
    const source = {
      kind: 'presigned',
      place: 's3://builds/',
      urls: [['api/x', 'https://a/b?sig=1']],
    } as const
    expect(userData({ ...script, source }, 'sh')).toContain('chmod 0700')
    expect(userData(script, 'sh')).toContain('chmod 0755')
  })
})

describe('where a server reads the store', () => {
  const s3 = { kind: 's3', bucket: 'builds', prefix: 'apps' } as const
  const role = { kind: 'role' } as const
  it.each([
    [s3, 'https://builds.s3.{region}.amazonaws.com/apps/'],
    [{ ...s3, prefix: '', region: 'eu-west-1' }, 'https://builds.s3.eu-west-1.amazonaws.com/'],
    [{ ...s3, region: 'cn-north-1' }, 'https://builds.s3.cn-north-1.amazonaws.com.cn/apps/'],
    [{ ...s3, bucket: 'a.b', region: 'eu-west-1' }, 'https://s3.eu-west-1.amazonaws.com/a.b/apps/'],
    [{ ...s3, forcePathStyle: true, region: 'eu-west-1' }, 'https://s3.eu-west-1.amazonaws.com/builds/apps/'],
    [{ ...s3, endpoint: 'http://minio:9000' }, 'http://minio:9000/builds/apps/'],
  ])('%j: %s', (place, base) => {
    expect(bootSource(role, { place })).toMatchObject({ kind: 'role', base })
  })

  it('can be a web server before a directory, and not the directory', () => {
    const place = { kind: 'directory', directory: '/mnt/builds' } as const
    expect(bootSource({ kind: 'url', url: 'https://a/b' }, { place })).toEqual({
      kind: 'url',
      base: 'https://a/b/',
    })
    expect(() => bootSource(role, { place })).toThrow('can not read the directory')
  })
})

onEachShell((make) => {
  it('takes the settings as they are', async () => {
    const place = make()
    const head = bootProgram(script).split('# deliver-agent')[0] ?? ''
    const file = join(place.directory, 'head.sh')
    writeFileSync(
      file,
      `${head}\nprintf '%s|' "$app" "$environment" "$path" "$user" "$from" "$base" "$group" "$retry_for"\n`,
    )
    const { output } = await place.sh([file])
    expect(output).toBe(
      `api|production|/srv/api|deploy|role|https://builds.s3.{region}.amazonaws.com/apps/|it's "a" $(group) \\ with\nlines|600|`,
    )
  })

  it('does nothing when it is cut anywhere', async () => {
    const place = make()
    const to = join(place.directory, 'installed')
    const whole = userData(await place.script(), 'sh').replaceAll('/usr/local/bin/deliver-agent', to)
    const file = join(place.directory, 'cut.sh')
    for (const part of [0.02, 0.1, 0.5, 0.9]) {
      writeFileSync(file, whole.slice(0, whole.length * part))
      await place.sh([file])
      expect(existsSync(to), `cut at ${part}`).toBe(false)
    }
    await place.point('v1')
    writeFileSync(file, whole)
    const { code, output } = await place.sh([file])
    expect(code, output).toBe(0)
    expect(readFileSync(to, 'utf8')).toMatch(/^#!\/bin\/sh\n/)
    expect(place.current).toBe('v1')
  })
})
