// Writes docs/configuration.md and docs/events.schema.json from the schemas. Run after "npm run build".
import { writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { configurationDocs } from '../dist/config/docs.js'
import { eventJsonSchema } from '../dist/report/event-schema.js'

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationDocs())

const schemaFile = new URL('../docs/events.schema.json', import.meta.url)
const style = await resolveConfig(schemaFile)
writeFileSync(schemaFile, await format(JSON.stringify(eventJsonSchema()), { ...style, parser: 'json' }))
