import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DeliverError } from '../../src/errors.js'
import { branchOfJob, checkReleaseName, defaultReleaseName } from '../../src/release/name.js'
import { anyCharacter } from '../fixtures/any-character.js'

const commit = '0123456789abcdef0123456789abcdef01234567'

describe('defaultReleaseName', () => {
  it.each([
    [{ tags: ['v1.2.0'], branch: 'main' }, 'v1.2.0-prebuilt'],
    [{ tags: ['v1.9.0', 'v1.10.0', 'nightly'], branch: 'main' }, 'v1.10.0-prebuilt'],
    [{ tags: ['1.0.0', 'v1.0.0-rc.1'] }, '1.0.0-prebuilt'],
    [{ tags: ['v1.0.0-rc.9', 'v1.0.0-rc.10'] }, 'v1.0.0-rc.10-prebuilt'],
    [{ tags: ['v1.0.0-1', 'v1.0.0-alpha'] }, 'v1.0.0-alpha-prebuilt'],
    [{ tags: ['v1.0.0+build.5'] }, 'v1.0.0-build.5-prebuilt'],
    [
      { tags: ['v99999999999999999999.0.0', 'v99999999999999999998.0.0'] },
      'v99999999999999999999.0.0-prebuilt',
    ],
    [{ tags: ['v1.2.0-prebuilt'], branch: 'main' }, 'main-0123456789ab-prebuilt'],
    [{ tags: ['latest'], branch: 'feature/käse $(id)' }, 'feature-k-se-id-0123456789ab-prebuilt'],
    [{ tags: [] }, '0123456789ab-prebuilt'],
    [{ tags: [], branch: '-..' }, '0123456789ab-prebuilt'],
    [{ tags: [], branch: 'x'.repeat(300) }, `${'x'.repeat(78)}-0123456789ab-prebuilt`],
    [{ tags: ['v1.0.0'], prefix: 'api' }, 'api-v1.0.0-prebuilt'],
    [{ tags: [], branch: 'main', prefix: 'apps/api' }, 'apps-api-main-0123456789ab-prebuilt'],
  ])('%j is %s', (facts, name) => {
    expect(defaultReleaseName({ ...facts, commit })).toBe(name)
  })

  it('is safe for any tag and branch, and git agrees', () => {
    const name = fc.oneof(fc.string({ unit: anyCharacter }), fc.string({ unit: 'grapheme', maxLength: 200 }))
    const version = fc.tuple(fc.nat(), fc.nat(), fc.nat(), name).map(([a, b, c, d]) => `v${a}.${b}.${c}-${d}`)
    const names = fc.sample(
      fc
        .record({
          tags: fc.array(fc.oneof(name, version)),
          branch: fc.option(name, { nil: undefined }),
          prefix: fc.option(name, { nil: undefined }),
        })
        .map((facts) => defaultReleaseName({ ...facts, commit })),
      2000,
    )
    for (const each of names) expect(() => checkReleaseName(each)).not.toThrow()
    expect(names.every((each) => each.endsWith('-prebuilt'))).toBe(true)
    for (const each of names.slice(0, 100)) execFileSync('git', ['check-ref-format', `refs/tags/${each}`])
  })
})

describe('checkReleaseName', () => {
  it.each(['v1.2.0', 'jenkins-api-42-prebuilt', '_x', 'a', 'x'.repeat(100)])('takes %s', (name) => {
    expect(() => checkReleaseName(name)).not.toThrow()
  })

  it.each([
    ['', /empty/, /letters/],
    ['feature/x', /allowed/, /Use feature-x\./],
    ['a b;$(id)', /allowed/, /Use a-b-id\./],
    ['-rf', /starts/, /Use rf\./],
    ['.hidden', /starts/, /Use hidden\./],
    ['a..b', /"\.\."/, /Use a\.b\./],
    ['x.lock', /ends/, /Use x\./],
    ['x.lock.lock', /ends/, /Use x\./],
    ['x.', /ends/, /Use x\./],
    ['x'.repeat(101), /longer/, /Use x{100}\./],
    ['HEAD', /git/, /letters/],
    [commit, /git/, /letters/],
    ['naïve\n', /allowed/, /Use na-ve\./],
    ['..', /starts/, /letters/],
  ])('refuses %j', (name, message, fix) => {
    const error = caught(() => checkReleaseName(name))
    expect(error.kind).toBe('usage')
    expect(error.message).toMatch(message)
    expect(error.fix).toMatch(fix)
  })

  it('takes only what git takes as a tag', () => {
    const characters = fc.constantFrom(
      'a',
      'Z',
      '0',
      '.',
      '-',
      '_',
      '.lock',
      '/',
      '@{',
      '~',
      ' ',
      'é',
      '\u0000',
    )
    const names = fc.sample(fc.array(characters, { maxLength: 6 }), 400).map((parts) => parts.join(''))
    const taken = names.filter((name) => {
      try {
        checkReleaseName(name)
        return true
      } catch {
        return false
      }
    })
    expect(taken.length).toBeGreaterThan(10)
    for (const name of taken) execFileSync('git', ['check-ref-format', `refs/tags/${name}`])
  })

  it('suggests only names that it takes', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 130 }), (name) => {
        try {
          checkReleaseName(name)
        } catch (error) {
          const suggestion =
            error instanceof DeliverError ? /^Use ([^ ]*)\.$/.exec(error.fix ?? '')?.[1] : undefined
          if (suggestion !== undefined) checkReleaseName(suggestion)
        }
      }),
    )
  })
})

describe('branchOfJob', () => {
  it.each([
    [{ GIT_BRANCH: 'origin/main' }, 'main'],
    [{ GIT_BRANCH: 'refs/heads/origin-story' }, 'origin-story'],
    [{ GIT_BRANCH: 'refs/remotes/origin/feature/x' }, 'feature/x'],
    [{ GIT_BRANCH: '', BRANCH_NAME: 'PR-7' }, 'PR-7'],
    [{ GITHUB_HEAD_REF: '', GITHUB_REF_NAME: 'main' }, 'main'],
    [{ CI_COMMIT_REF_NAME: 'dev', GITHUB_REF_NAME: 'main' }, 'dev'],
    [{}, undefined],
  ])('of %j is %s', (env, branch) => {
    expect(branchOfJob(env)).toBe(branch)
  })
})

function caught(action: () => void): DeliverError {
  try {
    action()
  } catch (error) {
    if (error instanceof DeliverError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
