import { describe, expect, test } from 'vitest'
import { parseBashConfig, translate } from '../../src/init/bash-config.js'

describe('what a condition decides is not taken over, and told', () => {
  test.each([
    ['[ -z "$STAGING" ] || HOSTS=stage1', 'web1', ['HOSTS']],
    ['[ -n "$STAGING" ] && export HOSTS="stage1"', 'web1', ['HOSTS']],
    ['if [ -n "$STAGING" ]; then\n  HOSTS=stage1\n  PORT=22\nfi', 'web1', ['HOSTS', 'PORT']],
    ['case $1 in\n  staging) HOSTS=stage1 ;;\nesac', 'web1', ['HOSTS']],
    ['if true; then HOSTS=stage1; fi\nHOSTS=web2', 'web2', ['HOSTS']],
    ['for each in a b; do\n  if true; then\n    HOSTS=x\n  fi\ndone\nHOSTS=web3', 'web3', ['HOSTS']],
    ['HOSTS=web4 # as long as A=1', 'web4', []],
  ])('%j', (line, hosts, conditional) => {
    const old = parseBashConfig(`HOSTS=web1\n${line}\n`)
    expect(old.variables.get('HOSTS')).toBe(hosts)
    expect(old.conditional).toEqual(conditional)
    const { notes } = translate(old)
    expect(notes.filter((note) => note.includes('under a condition')).length).toBe(conditional.length)
  })
})

test('a hook that calls the old tool is told so', () => {
  const { notes } = translate(parseBashConfig('pre_launch() {\n  run "x"\n}\n'))
  expect(notes.join('\n')).toContain('functions of the bash tool')
})
