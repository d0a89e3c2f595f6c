import type { Notice } from '../../src/notify/notice.js'

export const started: Notice = {
  version: 1,
  id: 'n1',
  run: 'r1',
  event: 'started',
  command: 'deploy',
  app: 'api',
  environment: 'production',
  release: 'v42',
  previous: 'v41',
  by: 'alice@ci',
  job: 'deploy-api #42',
  jobUrl: 'https://ci.example.com/job/42',
  started: '2026-01-02T03:04:05.000Z',
  text: 'deploy of v42 to production has begun',
}

export const failed: Notice = {
  ...started,
  id: 'n2',
  event: 'rolled-back',
  text: 'v42 failed and was rolled back; every host runs what it ran before',
  ended: '2026-01-02T03:05:35.000Z',
  code: 5,
  hosts: [
    { host: 'web1', outcome: 'rolled-back', because: 'answered 500, not 200', runs: 'v41' },
    { host: 'web2', outcome: 'done', runs: 'v42' },
  ],
}

export const succeeded: Notice = { ...failed, id: 'n3', event: 'succeeded', code: 0, hosts: [] }
