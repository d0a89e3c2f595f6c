// Writes docs/configuration.md from the schema. Run after "npm run build".
import { writeFileSync } from 'node:fs'
import { configurationDocs } from '../dist/config/docs.js'

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationDocs())
