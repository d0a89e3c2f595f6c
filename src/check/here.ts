/** What is here: the config, the clone, and the tools of this machine. */
import { showCount } from '../report/units.js'
import { finderOf, type Finding } from './finding.js'
import type { ConfigFacts, GitFacts, Looked, ToolFacts } from './facts.js'

export function judgeConfig(looked: Looked<ConfigFacts>): readonly Finding[] {
  const is = finderOf('config')
  if (looked.kind === 'failed') return [is.problem(looked.trouble.what, looked.trouble.fix)]
  const { app, environment, sections } = looked.value
  return [
    is.ok(`${app} in ${environment}: valid`),
    ...(sections.has('store')
      ? []
      : [
          is.problem(
            'no store: nothing can be published or deployed',
            "Add store, e.g. store: { directory: '/mnt/builds' }.",
          ),
        ]),
    ...(sections.has('fleet')
      ? []
      : [
          is.problem(
            'no fleet: nothing can be deployed',
            "Add fleet, e.g. fleet: { hosts: ['web1', 'web2'] }.",
          ),
        ]),
    ...(sections.has('target')
      ? []
      : [is.problem('no target: nothing can be deployed', "Add target, e.g. target: { path: '/srv/api' }.")]),
    ...(sections.has('service')
      ? []
      : [
          is.warning(
            'no service: releases are switched, and nothing is restarted',
            "Add service, e.g. service: { systemd: 'api' }.",
          ),
        ]),
    ...(sections.has('health')
      ? []
      : [
          is.warning(
            'no health check: a release that answers with errors counts as healthy',
            "Add health, e.g. health: { http: 'http://localhost:3000/health' }.",
          ),
        ]),
  ]
}

/** A deploy from here would end with them before it touches anything. */
export function judgeSecrets(looked: Looked<unknown> | undefined): readonly Finding[] {
  if (looked?.kind !== 'failed') return []
  return [finderOf('config').problem(looked.trouble.what, looked.trouble.fix)]
}

export function judgeGit(looked: Looked<GitFacts>): readonly Finding[] {
  const is = finderOf('git')
  if (looked.kind === 'failed') return [is.problem(looked.trouble.what, looked.trouble.fix)]
  const { version, branch, commit, changed, noTags } = looked.value
  return [
    is.ok(`git ${version}, ${branch === undefined ? 'no branch' : `on ${branch}`} at ${commit.slice(0, 8)}`),
    changed === 0
      ? is.ok('nothing changed since that commit')
      : is.warning(
          `${showCount(changed, 'changed file')} not committed, so commit-deps and ship refuse`,
          'Commit or stash them, or leave them out with --allow-dirty.',
        ),
    noTags === undefined
      ? is.ok('tags can be made')
      : is.problem(`no tag can be made: ${noTags}`, 'Let this user write to the git directory.'),
  ]
}

const oldestNode = 20

export function judgeTools({ node, zstd }: ToolFacts, config: ConfigFacts | undefined): readonly Finding[] {
  const is = finderOf('tools')
  return [
    Number(node.replace(/^v/, '').split('.')[0]) >= oldestNode
      ? is.ok(`node ${node}`)
      : is.problem(`node ${node} is too old`, `Install Node ${oldestNode} or newer.`),
    ...(config?.format !== 'tar.zst'
      ? []
      : zstd
        ? [is.ok('zstd')]
        : [
            is.problem(
              'archive.format is tar.zst, and neither this Node nor a program named zstd can do that',
              "Install zstd or Node 22.15, or set archive.format: 'tar.gz'.",
            ),
          ]),
  ]
}
