import { describe, expect, it } from 'vitest'
import { ownerFrom } from '../../src/store/owner.js'

const machine = { user: 'alice', host: 'laptop', pid: 7 }

describe('the owner of a lease', () => {
  it('is a person at a machine without CI', () => {
    expect(ownerFrom({}, machine)).toEqual({ owner: 'alice@laptop', host: 'laptop', pid: 7 })
  })

  it.each([
    [
      'Jenkins',
      { JOB_NAME: 'deploy-api', BUILD_NUMBER: '42', BUILD_URL: 'http://ci/job/deploy-api/42/' },
      { job: 'deploy-api #42', url: 'http://ci/job/deploy-api/42/', owner: 'alice@laptop' },
    ],
    [
      'GitHub',
      {
        GITHUB_ACTIONS: 'true',
        GITHUB_REPOSITORY: 'o/r',
        GITHUB_WORKFLOW: 'ship',
        GITHUB_RUN_NUMBER: '9',
        GITHUB_RUN_ID: '123',
        GITHUB_SERVER_URL: 'https://github.com',
        GITHUB_ACTOR: 'bob',
      },
      { job: 'o/r ship #9', url: 'https://github.com/o/r/actions/runs/123', owner: 'bob@laptop' },
    ],
    [
      'GitLab',
      {
        GITLAB_CI: 'true',
        CI_PROJECT_PATH: 'g/p',
        CI_JOB_NAME: 'deploy',
        CI_JOB_ID: '5',
        CI_JOB_URL: 'https://gl/g/p/-/jobs/5',
        GITLAB_USER_LOGIN: 'eve',
      },
      { job: 'g/p deploy #5', url: 'https://gl/g/p/-/jobs/5', owner: 'eve@laptop' },
    ],
  ])('is the job on %s', (_, env, expected) => {
    expect(ownerFrom(env, machine)).toMatchObject(expected)
  })

  it('carries no control characters, no endless text, no password and no script', () => {
    const env = { JOB_NAME: `a\u001b[31m\n\u202eb${'x'.repeat(999)}`, BUILD_NUMBER: '1' }
    const { job = '' } = ownerFrom(env, machine)
    expect(job).toMatch(/^a \[31m bx+$/)
    expect(job.length).toBeLessThanOrEqual(200)
    expect(ownerFrom({ ...env, BUILD_URL: 'http://u:secret@ci/1' }, machine).url).toBe('http://ci/1')
    expect(ownerFrom({ ...env, BUILD_URL: 'javascript:alert(1)' }, machine).url).toBeUndefined()
  })
})
