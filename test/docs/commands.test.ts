import { describe, expect, test } from 'vitest'
import { callsIn, callsOf, hasOption, problemWith } from './commands.js'
import { pages, spans } from './pages.js'

describe('calls of deliver', () => {
  test.each([
    ['deliver ship --tag v1', [['ship', '--tag', 'v1']]],
    ['export A=1\nnpx deliver ship --plain # comment', [['ship', '--plain']]],
    [
      'sh \'npx deliver --plain ship --tag "$BUILD_TAG" --lock-wait 15m\'',
      [['--plain', 'ship', '--tag', '$BUILD_TAG', '--lock-wait', '15m']],
    ],
    ['bash -l -c "deliver setup && deliver archive"', [['setup'], ['archive']]],
    ['$(deliver user-data -e production | base64)', [['user-data', '-e', 'production']]],
    [
      'deliver exec -- npm run report -- --day monday',
      [['exec', '--', 'npm', 'run', 'report', '--', '--day', 'monday']],
    ],
    ['deliver deploy \\\n  --dry-run', [['deploy', '--dry-run']]],
    ['    - run: deliver status', [['status']]],
    ['  "deploy": "deliver ship",', [['ship']]],
    ['deliver prune [options] [--keep N] ...', [['prune', '--keep', 'N']]],
    ['useradd -m deliver\nnpm install deliver-cli', []],
  ])('%j', (text, calls) => {
    expect(callsIn(text)).toEqual(calls)
  })

  test.each([
    [['ship', '--tag', 'v1', '--plain'], undefined],
    [['unlock'], undefined],
    [['COMMAND', '--help'], undefined],
    [['shipp'], /unknown command/],
    [['status', '--dry-run'], /unknown option/],
    [['status', 'web1'], /too many arguments/],
    [['COMMAND', '--nothing'], /unknown option/],
  ])('%j', (words, problem) => {
    expect(problemWith(words) ?? '').toMatch(problem ?? /^$/)
  })
})

test.each(pages.map((page) => [page.path, page] as const))(
  '%s names only what the program has',
  (_, page) => {
    const wrong = callsOf(page).flatMap(({ at, words }) => {
      const problem = problemWith(words)
      return problem === undefined ? [] : [`${at}: deliver ${words.join(' ')}: ${problem}`]
    })
    expect(wrong).toEqual([])
  },
)

test('the pages name many', () => {
  expect(pages.flatMap(callsOf).length).toBeGreaterThan(80)
})

test('options that are named by themselves exist', () => {
  const ours = pages.filter(({ path }) => /^(README|docs\/[\w-]+)\.md$/.test(path))
  const named = ours.flatMap(spans).flatMap(({ at, text }) => {
    const [, name] = /^(--[a-z][\w-]*)( .*)?$/.exec(text) ?? []
    return name === undefined ? [] : [{ at, name }]
  })
  const others = ['--help', '--env-file'] // commander's own, and of Node.js
  expect(named.filter(({ name }) => !hasOption(name) && !others.includes(name))).toEqual([])
  expect(named.length).toBeGreaterThan(50)
})
