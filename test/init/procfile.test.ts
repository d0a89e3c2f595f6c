import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { jobFiles, parseProcfile } from '../../src/init/procfile.js'
import { scratchDirectory } from '../sandbox/scratch.js'

const place = { app: 'api', user: 'root', path: '/srv/100%' }

test('a Procfile has one process type a line', () => {
  expect(parseProcfile('web: npm start\n# no\n\nworker-2:  node w.js --x="a: b" \nbad line\n')).toEqual([
    { name: 'web', command: 'npm start' },
    { name: 'worker-2', command: 'node w.js --x="a: b"' },
  ])
})

test('each type has a job and a port; one program gets the signals itself', () => {
  const types = parseProcfile('web: node .\nclock: A=1 node c.js\n')
  const [web, clock] = jobFiles('systemd', types, place)
  expect(web?.file).toBe('api-web.service')
  expect(web?.text).toContain('Environment=PORT=5000\n')
  expect(web?.text).toContain('ExecStart=/bin/sh -c "exec node ."\n')
  expect(web?.text).toContain('WorkingDirectory=/srv/100%%/current\n')
  expect(clock?.text).toContain('ExecStart=/bin/sh -c "A=1 node c.js"\n')
  const [upstart] = jobFiles('upstart', types, place)
  expect(upstart?.file).toBe('api-web.conf')
  expect(upstart?.text).toContain('\n  exec node .\nend script\n')
})

test('what systemd would read in a command reaches the shell as it was', () => {
  const [unit] = jobFiles('systemd', [{ name: 'web', command: 'echo "$PORT" 100% \\n \'a b\'' }], place)
  const line = /^ExecStart=\/bin\/sh -c "(.*)"$/m.exec(unit?.text ?? '')?.[1] ?? ''
  // What systemd.service(5) says of double quotes, specifiers and dollars.
  const read = line.replaceAll(/\\(.)/g, '$1').replaceAll('%%', '%').replaceAll('$$', '$')
  expect(execFileSync('sh', ['-c', read], { encoding: 'utf8', env: { PORT: '7' } })).toBe(
    execFileSync('sh', ['-c', 'echo "$PORT" 100% \\n \'a b\''], { encoding: 'utf8', env: { PORT: '7' } }),
  )
})

const verify = spawnSync('systemd-analyze', ['--version']).status === 0

test.skipIf(!verify)('systemd itself finds nothing wrong', async () => {
  const directory = await scratchDirectory()
  const [unit] = jobFiles('systemd', parseProcfile('web: node . "$PORT" 100%'), { ...place, path: '/' })
  const file = join(directory, unit?.file ?? '')
  writeFileSync(file, unit?.text ?? '')
  const checked = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
  expect(checked.stderr.split('\n').filter((line) => line.includes('api-web'))).toEqual([])
})
