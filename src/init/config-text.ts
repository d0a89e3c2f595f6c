import { configOf, type Answers } from './answers.js'

/** Said above each section of a new config. */
const comments: Readonly<Record<string, string>> = {
  app: 'Part of tags, store keys and reports.',
  build: "How a release is made. Default: the lockfile's own installer.",
  store: 'Where releases live: a directory that build and deploy machines share, or an S3 bucket.',
  fleet: 'The hosts that run the app. An Auto Scaling group: { autoscaling: { groups: [...] } }.',
  ssh: "What isn't said here comes from the ssh config.",
  target: 'Where the app lives on hosts. shared: [...] names what outlives releases, such as log or .env.',
  service: 'What restarts the app.',
  health: 'When a host counts as healthy; asked on the host itself.',
  hooks: 'What runs around the steps. docs/hooks.md names all points.',
}

const noHealth = `  // When a host counts as healthy. Without it only the process is watched.
  // health: { http: 'http://localhost:3000/health' },`

/** The text of `deliver.config.ts`. Notes stand at its top. */
export function configText(answers: Answers, notes: readonly string[] = []): string {
  const sections = Object.entries(configOf(answers)).map(([key, value]) => {
    const comment = comments[key]
    return `${comment === undefined ? '' : `  // ${comment}\n`}  ${key}: ${literal(value, '  ')},`
  })
  if (answers.health === undefined) sections.push(noHealth)
  sections.push(`  // One host after the other; batch: '25%' or '1,5,20%' is faster. On failure all go back.
  rollout: { strategy: 'rolling', batch: 1 },`)
  const head = notes.map((note) => `// ${note.replaceAll(/\s+/g, ' ')}\n`).join('')
  return `import { defineConfig } from 'deliver-cli'

${head === '' ? '' : `${head}\n`}export default defineConfig({
${sections.join('\n\n')}
})
`
}

function literal(value: unknown, indent: string): string {
  if (typeof value === 'string') return text(value)
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, indent)).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const entries = Object.entries(value).map(([key, inside]) => `${key}: ${literal(inside, `${indent}  `)}`)
  const line = `{ ${entries.join(', ')} }`
  if (line.length < 90) return line
  return `{\n${entries.map((entry) => `${indent}  ${entry},\n`).join('')}${indent}}`
}

/** Quoted for TypeScript; line separators would end a comment or a line elsewhere. */
function text(value: string): string {
  return /^[^'\\\p{Cc}\u2028\u2029]*$/u.test(value) ? `'${value}'` : JSON.stringify(value)
}
