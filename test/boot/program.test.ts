import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { onEachShell, onShells, type BootPlace, type Fault } from './place.js'

const archive = 'api/releases/v1/archive.tar.gz'

/** Nothing of a release that is not whole: neither under its name nor on its way. */
function untouched(place: BootPlace): readonly unknown[] {
  const incoming = place.at('.deliver/incoming')
  return [place.current, place.runs, place.releases, existsSync(incoming) ? readdirSync(incoming) : []]
}
const nothing = [undefined, undefined, [], []]

const on =
  (wanted: RegExp, fault: Fault): Fault =>
  (key, body, answer) =>
    wanted.test(key) ? fault(key, body, answer) : undefined

const status =
  (code: number): Fault =>
  (_key, _body, answer) => {
    answer.statusCode = code
    answer.end('<Error>no</Error>')
    return true
  }

/** The length is told, and the connection ends before. */
const truncated: Fault = (_key, body = Buffer.alloc(0), answer) => {
  answer.setHeader('content-length', body.length)
  answer.write(body.subarray(0, body.length / 2), () => answer.destroy())
  return true
}

/** Nobody says how long it is, and less comes. */
const short: Fault = (_key, body = Buffer.alloc(0), answer) => {
  answer.end(body.subarray(0, body.length / 2))
  return true
}

const corrupt: Fault = (_key, body = Buffer.alloc(0), answer) => {
  const bytes = Buffer.from(body)
  // Of a pointer, what a server reads of it.
  const at = Math.max(bytes.length >> 1, bytes.indexOf('"boot": "') + 100)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  answer.end(bytes)
  return true
}

const endless: Fault = (_key, _body, answer) => {
  const more = Buffer.alloc(1024 * 1024)
  const push = (): void => {
    if (!answer.destroyed) answer.write(more, push)
  }
  push()
  return true
}

onEachShell((make) => {
  it('installs and starts what the pointer names; the same again changes nothing', async () => {
    const place = make()
    await place.point('v1', { tree: { 'odd name': 'x' } })
    const { code, output } = await place.run('boot')
    expect(code, output).toBe(0)
    expect([place.current, place.runs]).toEqual(['v1', 'v1'])
    expect(readFileSync(place.at('current/odd name'), 'utf8')).toBe('x')
    expect(existsSync(place.at('current/log'))).toBe(true)
    expect(readFileSync(place.at('.deliver/state'), 'utf8')).toMatch(/^confirmed boot-\w+ v1$/m)

    rmSync(place.at('shared/running'))
    place.asked.length = 0
    expect((await place.run('update')).code).toBe(0)
    expect(place.runs).toBeUndefined()
    expect(place.asked).not.toContain(archive)
    expect((await place.run('status')).output).toContain('generation 1, releases/v1')
  })

  it('follows the pointer, forward and back, and keeps no more than it should', async () => {
    const place = make()
    const deployed: string[] = []
    for (const release of ['v1', 'v2', 'v1', 'v3', 'v4']) {
      await place.point(release)
      expect((await place.run('update')).code).toBe(0)
      deployed.push(String(place.current))
    }
    expect(deployed).toEqual(['v1', 'v2', 'v1', 'v3', 'v4'])
    expect(place.releases).toEqual(['v1', 'v3', 'v4'])
  })

  it.each(['broken', 'sick'])('goes back from a %s release, and says why', async (how) => {
    const place = make()
    await place.point('v1')
    await place.run('boot')
    await place.point('v2', { tree: { [how]: '' } })
    const { code, output } = await place.run('update')
    expect([code, place.current, place.runs], output).toEqual([1, 'v1', 'v1'])
    expect(output).toContain('v2 did not start')
  })

  it('takes hostile settings as they are', async () => {
    const place = make()
    const config = place.config()
    const restart = `printf '%s' 'it'"'"'s "$(echo fine)" \\ %d' >"$DELIVER_PATH/shared/running"`
    await place.point('v1', {
      config: {
        ...config,
        service: { manager: { kind: 'command', restart }, timeout: 10_000 },
        target: place.target(["a'b $(touch gone)/", 'log/']),
      },
    })
    const { code, output } = await place.run('boot', { script: { path: `/nowhere/a'b "$(touch gone)"` } })
    expect(code, output).toBe(0)
    expect(place.runs).toBe(`it's "$(echo fine)" \\ %d`)
    expect(existsSync(place.at("shared/a'b $(touch gone)"))).toBe(true)
    expect(existsSync(`${place.directory}/gone`)).toBe(false)
  })
})

// What the shell makes no difference to.
onShells(['dash'], (make) => {
  it.each([
    ['403', status(403)],
    ['404', status(404)],
    ['500', status(500)],
    ['truncated', truncated],
    ['short', short],
    ['corrupt', corrupt],
    ['endless', endless],
  ])(
    'starts nothing when the archive, listing, agent or pointer is %s, and all is well later',
    async (_, fault) => {
      const place = make()
      await place.point('v1')
      for (const broken of [/archive/, /listing/, /agents/, /current\.json/]) {
        place.fault = on(broken, fault)
        const { code, output } = await place.run('boot')
        // A damaged text may be the same for a shell: the line that counts is in its second half.
        if (code === 0) throw new Error(`${String(broken)} was taken:\n${output}`)
        expect(code, output).toBe(3)
        expect(untouched(place), output).toEqual(nothing)
      }
      place.fault = undefined
      expect((await place.run('boot')).code).toBe(0)
      expect(place.current).toBe('v1')
    },
  )

  it('tries again until it works, and goes on with a download that was cut', async () => {
    const place = make()
    await place.point('v1', { tree: { big: 'x'.repeat(100_000) } })
    let left = 2
    place.fault = on(/archive|current/, (key, body, answer) => {
      if (key === archive && left === 0) return undefined
      if (left-- > 0) return (key === archive ? truncated : status(503))(key, body, answer)
      return undefined
    })
    const { code, output } = await place.run('boot', { script: { retryFor: 60_000 } })
    expect(code, output).toBe(0)
    expect(output).toContain('HTTP status 503')
    expect(output).toContain('trying again')
  })

  it('keeps its last good release while the store is away, and starts it when it boots', async () => {
    const place = make()
    await place.point('v1')
    await place.run('boot')
    rmSync(place.at('shared/running'))
    place.fault = status(503)
    const updated = await place.run('update')
    expect([updated.code, place.current, place.runs]).toEqual([1, 'v1', undefined])
    const booted = await place.run('boot')
    expect([booted.code, place.current, place.runs], booted.output).toEqual([1, 'v1', 'v1'])
    expect(booted.output).toContain('the last good release of this server runs, not what the pointer names')
  })

  it('never starts what an image of another server has', async () => {
    const place = make()
    await place.point('v1')
    await place.run('boot')
    rmSync(place.at('shared/running'))
    const seen = readFileSync(place.at('.deliver/generation'), 'utf8').split(' ')
    seen[3] = '0123456789abcdef0123456789abcdef'
    writeFileSync(place.at('.deliver/generation'), seen.join(' '))
    place.fault = status(503)
    const { code, output } = await place.run('boot')
    expect([code, place.runs], output).toEqual([3, undefined])
    place.fault = undefined
    expect((await place.run('boot')).code).toBe(0)
    expect(place.runs).toBe('v1')
  })

  it('refuses an older generation than it has had', async () => {
    const place = make()
    await place.point('v1')
    const old = await place.store.readDocument('api/production/current.json')
    await place.point('v2')
    await place.run('boot')
    place.fault = on(/current\.json/, (_key, _body, answer) => {
      answer.end(old?.text)
      return true
    })
    const { code, output } = await place.run('update')
    expect([code, place.current], output).toEqual([1, 'v2'])
    expect(output).toContain('the pointer is at generation 1, and this server has had 2')
  })

  it('leaves nothing switched when the first release does not start', async () => {
    const place = make()
    await place.point('v1', { tree: { broken: '' } })
    const { code, output } = await place.run('boot')
    expect([code, place.current], output).toEqual([3, undefined])
  })

  it('leaves a server to the later deploy that is at work on it', async () => {
    const place = make()
    await place.point('v1')
    await place.run('boot')
    await place.point('v2')
    writeFileSync(place.at('.deliver/fence'), '99\n')
    const { code, output } = await place.run('update')
    expect([code, place.current], output).toEqual([0, 'v1'])
    expect(output).toContain("a later deploy than the pointer's decides what runs here")
  })

  it('does not call a server done that a later deploy left with nothing', async () => {
    const place = make()
    await place.point('v1')
    mkdirSync(place.at('.deliver'), { recursive: true })
    writeFileSync(place.at('.deliver/fence'), '99\n')
    expect((await place.run('boot')).code).toBe(3)
  })

  it.each([
    ['app=api', 'app=other'],
    ['environment=production', 'environment=staging'],
    ['release=v1', 'release=..'],
    ['archive.key=api/releases/v1/', 'archive.key=other/releases/v1/'],
    ['archive.key=api/releases/v1/', 'archive.key=api/releases/v1/../../'],
    ['archive.key=api/releases/v1/archive', 'archive.key=api/releases/v1/a%042b'],
    ['agent.key=api/agents/', 'agent.key=api/releases/'],
    ['archive.size=', 'archive.size=0x'],
    ['listing.sha256=', 'listing.sha256=%044%050id%051'],
    ['generation=1', 'generation=-1'],
    ['format=tar.gz', 'format=tar.xz'],
    ['path=', 'path=/../..'],
    ['keep=3', 'keep=three'],
    ['health.check=command', 'health.check=http'],
    ['fence=11', 'fence=11$(touch gone)'],
    ['fence=11', 'fence=11;touch gone'],
    ['fence=11', 'fence=11\\u0022'],
  ])('believes no pointer that says %s as %s', async (right, wrong) => {
    const place = make()
    await place.point('v1')
    place.fault = on(/current\.json/, (_key, body, answer) => {
      const text = String(body)
      expect(text).toContain(right)
      answer.end(
        text.replace(/"boot": "(.*) line\.sha256=.*"/, (_, line: string) => {
          const changed = line.replace(right, () => wrong)
          const told = createHash('sha256').update(changed).digest('hex')
          return `"boot": "${changed} line.sha256=${told}"`
        }),
      )
      return true
    })
    const { code, output } = await place.run('boot')
    expect([code, untouched(place)], output).toEqual([3, nothing])
    expect(existsSync(`${place.directory}/gone`)).toBe(false)
  })

  it('says how it is called, and changes nothing for a word that it does not know', async () => {
    const place = make()
    const { code, output } = await place.run('upgrade')
    expect([code, output]).toEqual([2, 'deliver: usage: deliver-agent boot|update|status\n'])
  })

  it('leaves no scratch', async () => {
    const place = make()
    await place.point('v1')
    const scratch = (): string[] => readdirSync('/var/tmp').filter((name) => name.startsWith('deliver-boot'))
    const before = scratch()
    await place.run('boot')
    const left = scratch().filter((name) => !before.includes(name))
    // Boots of other tests may be under way, and take theirs along.
    await expect.poll(() => scratch().filter((name) => left.includes(name)), { timeout: 60_000 }).toEqual([])
  })
})
