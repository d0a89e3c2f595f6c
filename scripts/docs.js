// Writes docs/configuration.md and docs/events.schema.json from the schemas. Run after "npm run build".
import { writeFileSync } from 'node:fs'
import { format } from 'prettier'
import { configurationDocs } from '../dist/config/docs.js'
import { eventJsonSchema } from '../dist/report/event-schema.js'

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationDocs())

const schema = await format(JSON.stringify(eventJsonSchema()), { parser: 'json' })
writeFileSync(new URL('../docs/events.schema.json', import.meta.url), schema)
