import { allKeys } from './keys.js'
import type { Key } from './keys.js'
import { reservedVariables, variableFor } from './overrides.js'

/** docs/configuration.md, from the schema. In the layout that prettier gives, so that it is never reformatted. */
export function configurationDocs(): string {
  const sections = allKeys().filter((key) => key.path.length === 1)
  return `${[intro(), ...sections.map(section)].join('\n\n')}\n`
}

function intro(): string {
  const reserved = reservedVariables.map((name) => `\`DELIVER_${name}\``).join(', ')
  return `# Configuration

<!-- Written by scripts/docs.js from src/config. Change the schema there and run it again. -->

\`deliver\` reads \`deliver.config.{ts,mts,cts,js,mjs,cjs,json,yaml,yml}\`, or the \`deliver\` key of \`package.json\`. It looks in the
current directory and those above, up to the root of the git repository (else the home directory), unless
\`--config FILE\` or \`DELIVER_CONFIG\` names one. Code may export an object, or a function (also an async one) that returns it.
\`import { defineConfig } from 'deliver-cli'\` gives types, and works without an installation in the app. All
keys at a glance: \`deliver.config.example.ts\`.

Durations are written like \`500ms\`, \`90s\`, \`1m30s\` or \`2h\`, always with a unit.

\`-e NAME\` or \`DELIVER_ENV\` chooses an environment, whose part of \`environments\` is laid over the rest: objects are merged,
lists and single values replaced. A service or health check of another kind replaces the kind that was there.

For one run, a variable replaces a value: \`DELIVER_ROLLOUT_BATCH=2\` sets \`rollout.batch\`. Lists are separated by commas, and
an empty variable counts as not set. Options of the command line win over variables. Reserved, and never read as
keys: ${reserved}.

Everything that is wrong is reported at once, and nothing is done (exit code 2).`
}

function section(key: Key): string {
  const name = key.path.join('.')
  const keys = allKeys().filter(({ path }) => path[0] === name && path.length > 1)
  return [`## ${name}`, [key.description, ...facts(key)].join('\n\n'), ...keys.map(entry)].join('\n\n')
}

function entry(key: Key): string {
  return [`### ${key.path.join('.').replaceAll('.[]', '[]')}`, key.description, ...facts(key)].join('\n\n')
}

/** Type, default and variable; a section whose keys follow has little to tell. */
function facts(key: Key): readonly string[] {
  if (key.type === 'object' && !key.accepts.has('record')) return []
  const variable = variableFor(key)
  const parts = [
    `Type: ${key.type}`,
    ...(key.required ? ['required'] : []),
    ...(key.default === undefined ? [] : [`default: \`${spelled(key.default)}\``]),
    ...(variable === undefined ? [] : [`variable: \`${variable}\``]),
  ]
  return [`${parts.join('; ')}.`]
}

function spelled(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
