import { expect, test } from 'vitest'
import { wantsColour, wantsLiveView } from '../../src/report/colour.js'

const jenkins = { JENKINS_URL: 'https://ci.example/' }

test.each([
  ['a terminal', { TERM: 'xterm-256color' }, true, true],
  ['a dumb terminal', { TERM: 'dumb' }, true, false],
  ['a pipe', { TERM: 'xterm-256color' }, false, false],
  ['NO_COLOR', { TERM: 'xterm', NO_COLOR: '1' }, true, false],
  ['an empty NO_COLOR is none', { TERM: 'xterm', NO_COLOR: '' }, true, true],
  ['FORCE_COLOR in a pipe', { FORCE_COLOR: '1' }, false, true],
  ['FORCE_COLOR=0 on a terminal', { TERM: 'xterm', FORCE_COLOR: '0' }, true, false],
  ['NO_COLOR wins', { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  ["Jenkins' AnsiColor", { ...jenkins, TERM: 'xterm' }, false, true],
  ["Jenkins' AnsiColor, another map", { ...jenkins, TERM: 'css' }, false, true],
  ["Jenkins' AnsiColor, and NO_COLOR", { ...jenkins, TERM: 'xterm', NO_COLOR: '1' }, false, false],
  ['Jenkins without it', jenkins, false, false],
  ['Jenkins without it, in a shell that has a dumb terminal', { ...jenkins, TERM: 'dumb' }, false, false],
  ['GitHub Actions', { GITHUB_ACTIONS: 'true', CI: 'true' }, false, false],
] as const)('colour: %s', (_, env, terminal, wanted) => {
  expect(wantsColour(env, terminal)).toBe(wanted)
})

test.each([
  ['a terminal', { TERM: 'xterm' }, true, true],
  ['a pipe', { TERM: 'xterm' }, false, false],
  ['a dumb terminal', { TERM: 'dumb' }, true, false],
  ['a terminal of nobody knows which kind', {}, true, false],
  ['a CI job that pretends to have a terminal', { TERM: 'xterm', CI: 'true' }, true, false],
  ['CI=false', { TERM: 'xterm', CI: 'false' }, true, true],
  ['no colour is no reason', { TERM: 'xterm', NO_COLOR: '1' }, true, true],
] as const)('live view: %s', (_, env, terminal, wanted) => {
  expect(wantsLiveView(env, terminal)).toBe(wanted)
})
