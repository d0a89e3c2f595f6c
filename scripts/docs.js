// Writes docs/configuration.md and docs/events.schema.json from the schemas, and docs/cli.md from the program. Run after "npm run build".
import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { format, resolveConfig } from 'prettier'
import { cliDocs } from '../dist/cli/docs.js'
import { describeProgram } from '../dist/cli.js'
import { configurationDocs } from '../dist/config/docs.js'
import { eventJsonSchema } from '../dist/report/event-schema.js'

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationDocs())

const schemaFile = new URL('../docs/events.schema.json', import.meta.url)
const style = await resolveConfig(schemaFile)
writeFileSync(schemaFile, await format(JSON.stringify(eventJsonSchema()), { ...style, parser: 'json' }))

const page = new URL('../docs/cli.md', import.meta.url)
writeFileSync(
  page,
  await format(cliDocs(describeProgram(new Command())), {
    ...(await resolveConfig(page)),
    parser: 'markdown',
  }),
)
