/** Variables that deliver reads, for `deliver help environment` and docs/cli.md. */
export const variables: readonly {
  readonly names: readonly string[]
  /** Behind the names: "and so on". */
  readonly more?: string
  readonly about: string
  /** A page of the docs. */
  readonly page?: string
}[] = [
  { names: ['TAG'], about: 'the release, where none is given' },
  { names: ['DELIVER_CONFIG', 'DELIVER_ENV'], about: 'as --config and --env' },
  {
    names: ['DELIVER_ROLLOUT_BATCH'],
    more: ' and so on',
    about: 'a key of the config for one run: deliver help KEY names its variable',
    page: 'configuration.md',
  },
  {
    names: ['JOB_NAME', 'BUILD_NUMBER', 'BUILD_URL', 'BUILD_USER_ID'],
    about:
      'Jenkins: who holds the lock, in messages and in the history. GITHUB_ACTIONS and GITLAB_CI with theirs likewise',
  },
  {
    names: ['CI', 'TERM', 'NO_COLOR', 'FORCE_COLOR'],
    about: 'how output looks',
    page: 'output.md',
  },
  { names: ['SSH_AUTH_SOCK'], about: 'the ssh agent' },
  {
    names: ['AWS_PROFILE', 'AWS_REGION'],
    more: ' and so on',
    about: 'as for every program that uses AWS',
    page: 's3.md#credentials',
  },
]
