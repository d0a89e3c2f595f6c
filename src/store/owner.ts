/** Who holds a lease, in words that people recognise. */
export interface LeaseOwner {
  /** `alice@ci-1`. */
  readonly owner: string
  /** `deploy-api #42`, when a CI job runs us. */
  readonly job?: string
  readonly url?: string
  readonly host: string
  readonly pid: number
  /** Tells one boot of one machine, and the processes that can see each other there; undefined where nothing tells. */
  readonly machine?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** From the variables that Jenkins, GitHub and GitLab set for their jobs. All are untrusted: branch names make job names. */
export function ownerFrom(
  env: Environment,
  machine: {
    readonly user: string
    readonly host: string
    readonly pid: number
    readonly machine?: string | undefined
  },
): LeaseOwner {
  const { job, url, user } = jobOf(env)
  const host = plain(machine.host)
  const address = safeUrl(url)
  return {
    owner: `${plain(user ?? machine.user)}@${host}`,
    ...(job === undefined ? {} : { job: plain(job) }),
    ...(address === undefined ? {} : { url: address }),
    host,
    pid: machine.pid,
    ...(machine.machine === undefined ? {} : { machine: machine.machine }),
  }
}

interface Job {
  readonly job?: string | undefined
  readonly url?: string | undefined
  readonly user?: string | undefined
}

function jobOf(env: Environment): Job {
  if (env.JOB_NAME && env.BUILD_NUMBER) {
    return { job: `${env.JOB_NAME} #${env.BUILD_NUMBER}`, url: env.BUILD_URL, user: env.BUILD_USER_ID }
  }
  if (env.GITHUB_ACTIONS === 'true') {
    const {
      GITHUB_REPOSITORY: repository = '',
      GITHUB_WORKFLOW: workflow = '',
      GITHUB_RUN_NUMBER: run = '',
    } = env
    const url = `${env.GITHUB_SERVER_URL ?? ''}/${repository}/actions/runs/${env.GITHUB_RUN_ID ?? ''}`
    return { job: `${repository} ${workflow} #${run}`, url, user: env.GITHUB_ACTOR }
  }
  if (env.GITLAB_CI) {
    const { CI_PROJECT_PATH: project = '', CI_JOB_NAME: name = '', CI_JOB_ID: id = '' } = env
    return { job: `${project} ${name} #${id}`, url: env.CI_JOB_URL, user: env.GITLAB_USER_LOGIN }
  }
  return {}
}

/** One line, without characters that steer a terminal or turn the direction of text. */
function plain(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 200)
}

/** Without what must not be shown: user name and password. */
function safeUrl(text: string | undefined): string | undefined {
  if (text === undefined || text.length > 2000 || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined
  url.username = ''
  url.password = ''
  return url.href
}
