#!/usr/bin/env node
import { main } from '../dist/bundle/cli.js'

process.exitCode = await main(process.argv.slice(2), (code) => process.exit(code))
// A reader that never reads our pipe must not keep a finished command alive.
setTimeout(() => process.exit(), 3000).unref()
