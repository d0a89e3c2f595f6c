import { exitCodeNotes } from './exit-codes.js'
import { variables } from './variables.js'

/** What `deliver help TOPIC` tells besides commands and keys of the config: enough to go on, and where there is more. */
export interface Topic {
  readonly name: string
  readonly about: string
  readonly text: string
  /** Keys of the config that belong to it are listed below the text. */
  readonly section?: string
}

export const topics: readonly Topic[] = [
  {
    name: 'exit-codes',
    about: 'what the exit code of a command means',
    text: `${table(exitCodeNotes.map(({ code, short }) => [String(code), short]))}

deliver explain CODE tells more of each, and what to do. Whatever is not success is never 0.`,
  },
  {
    name: 'environment',
    about: 'variables that deliver reads',
    text: `${table(variables.map(({ names, more = '', about }) => [`${names.join(', ')}${more}`, about]))}

Options of the command line win over variables, variables over the config. An empty variable counts as not set.
Environments of the config (-e staging): deliver help environments.`,
  },
  {
    name: 'config',
    about: 'where the config is, and its sections',
    text: `deliver.config.{ts,mts,cts,js,mjs,cjs,json,yaml,yml}, or the deliver key of package.json: in the current
directory or above it, up to the root of the repository. Another one: --config FILE or DELIVER_CONFIG.
deliver init writes one. deliver help KEY describes a section (rollout) or a key (rollout.batch).`,
  },
  {
    name: 'rollout',
    about: 'in which order hosts switch, and what happens on failure',
    text: `The release is staged and verified on all hosts; then they switch batch by batch, each healthy before the next begins;
then the pointer moves, which servers that boot follow. A host that is not healthy in time ends the rollout, and by default
every host goes back to what it ran (exit code 5). deliver deploy --dry-run shows the batches and the reasons.`,
    section: 'rollout',
  },
  {
    name: 'selection',
    about: 'which hosts a command is for: --hosts and --limit',
    text: `--hosts web1,web2          names
--hosts 'web*'             globs: * for any characters, ? for one
--hosts zone=eu-west-1a    labels, with globs too
--limit 2                  only the first so many of them

What matches nothing is an error that lists the hosts (exit code 7). A deploy to a selection leaves the pointer alone.`,
  },
  {
    name: 'secrets',
    about: 'how a config names what must not be shown',
    text: `secret('NAME') is the variable NAME, secret({ file }) a file, secret({ command }) what a command prints; in JSON and YAML
{ "secret": { "env": "NAME" } }. They are read when they are used, and become *** in everything that is shown or written.
target.files writes them on hosts, for each release its own.`,
  },
  {
    name: 'interrupts',
    about: 'what Ctrl-C and SIGTERM do',
    text: `The first begins nothing new, brings what began on a host to an end, frees the lock and says where each host stands
(exit code 130 or 143). The second ends at once: hosts whose switch was not confirmed go back by themselves. The same
command again converges in every case.`,
  },
]

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, about]) => `${name.padEnd(width)}  ${about}`).join('\n')
}

/** The list of topics, for `deliver help`. */
export function topicList(): string {
  return table(topics.map(({ name, about }) => [`  ${name}`, about]))
}
