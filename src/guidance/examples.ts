/** How each command is called, for its help and docs/cli.md: the call, and what it is for. A test parses each of them. */
export const examples: Readonly<Record<string, readonly (readonly [call: string, about: string])[]>> = {
  init: [
    ['deliver init', 'detects the app, asks what it cannot know, and checks'],
    ['deliver init --yes --hosts web1,web2 --service systemd:api --jenkinsfile', 'asks nothing'],
    ['deliver init --from-deliver', 'takes over .deliver/config of the bash tool'],
  ],
  setup: [
    ['deliver setup', 'the installer of the lockfile, or build.setup'],
    ['deliver setup --no-cache', 'whatever the clone has already'],
  ],
  'commit-deps': [['deliver commit-deps --tag "$BUILD_TAG"', 'after deliver setup']],
  archive: [['deliver archive --tag v1.4.0', 'after deliver commit-deps']],
  publish: [
    ['deliver publish --tag v1.4.0', 'archives first, where that was not done'],
    ['deliver publish --tag v2.0.0 --oldest-rollback v2.0.0', 'nobody may go back past it'],
  ],
  deploy: [
    ['deliver deploy', '$TAG, else the newest release'],
    ['deliver deploy v1.4.0 -e staging', ''],
    ['deliver deploy v1.4.0 --dry-run', 'what would be done to which host, and why'],
    ['deliver deploy v1.4.0 --batch 1,25% --on-failure stop', 'one host first, then quarters'],
    ['deliver deploy v1.4.0 --hosts web1', 'one host; the pointer stays where it is'],
  ],
  rollback: [
    ['deliver rollback', "each host's last good release"],
    ['deliver rollback v1.3.2 --yes', 'without a question'],
  ],
  ship: [
    ['deliver ship', 'from the checkout to every host'],
    ['deliver --junit deliver.xml ship --tag "$BUILD_TAG" --lock-wait 15m', 'in Jenkins'],
  ],
  status: [
    ['deliver status', ''],
    ['deliver status --exit-code', 'for a monitor: 4 when something is not as it should be'],
  ],
  releases: [
    ['deliver releases', ''],
    ['deliver releases --all', 'and which host has and runs them'],
  ],
  history: [
    ['deliver history -n 5', ''],
    ['deliver history --host web1', 'what the host wrote down itself'],
  ],
  exec: [
    ['deliver exec -- uptime', ''],
    ["deliver exec --hosts 'web*' --rolling -- sudo systemctl restart api", 'stops at the first failure'],
    ["deliver exec -- 'du -sh . | cut -f1'", 'one shell line'],
  ],
  logs: [
    ['deliver logs -f', 'all hosts, as it comes'],
    ["deliver logs --since 10m --grep 'error|timeout'", ''],
  ],
  ssh: [
    ['deliver ssh web1', ''],
    ['deliver ssh zone=eu-west-1a -- tail -n 50 log/api.log', 'where one host alone has that label'],
  ],
  check: [
    ['deliver check', ''],
    ['deliver check --fix', 'after a run that was killed'],
  ],
  unlock: [['deliver unlock 0b5c4e0e-3d0f-4a58-9d2c-6a1b7f1f0a11', 'the id from the message of the lock']],
  prune: [['deliver prune --keep 30 --dry-run', 'what would go, and why']],
  clean: [['deliver clean --keep 3', '']],
  'user-data': [
    ['deliver user-data -e production', 'for a launch template'],
    ['deliver user-data --format cloud-init', ''],
  ],
  iam: [
    ['deliver iam', 'for what deploys'],
    ['deliver iam --policy instance', 'for servers that boot'],
  ],
  sandbox: [
    ['deliver sandbox', 'three hosts; Ctrl-C ends them'],
    ['deliver sandbox --hosts 5 --port 8080', ''],
  ],
  completion: [['deliver completion bash', '']],
  explain: [
    ['deliver explain 5', 'what an exit code means, and what to do'],
    ['deliver explain', 'all of them'],
  ],
  help: [
    ['deliver help', ''],
    ['deliver help rollout', 'a topic'],
    ['deliver help rollout.batch', 'a key of the config'],
    ['deliver help deploy', 'as deliver deploy --help'],
  ],
}

/** For the end of a command's help; `$` tells calls from the rest. */
export function examplesText(command: string): string {
  const lines = examples[command] ?? []
  const width = Math.max(...lines.map(([call]) => call.length))
  const shown = lines.map(
    ([call, about]) => `  $ ${about === '' ? call : `${call.padEnd(width)}  # ${about}`}`,
  )
  return shown.length === 0 ? '' : `\nExamples:\n${shown.join('\n')}`
}
