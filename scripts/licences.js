// Holds the licences of what is installed with deliver to a list: npm run licences. Reads what is installed, not what is promised.
import { existsSync, readFileSync } from 'node:fs'

const allowed = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
])
const read = (path) => JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8'))

function licenceOf(path) {
  const { license, licenses } = read(`${path}/package.json`)
  if (typeof license === 'string') return license
  if (typeof license?.type === 'string') return license.type
  return (licenses ?? []).map(({ type }) => type).join(' AND ')
}

const isAllowed = (licence) =>
  licence
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice !== '' && choice.split(' AND ').every((each) => allowed.has(each)))

const { packages } = read('package-lock.json')
const runtime = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true)
const installed = runtime.filter(
  ([path, { optional }]) => optional !== true || existsSync(new URL(`../${path}`, import.meta.url)),
)
const wrong = installed
  .map(([path]) => [path.replace(/^.*node_modules\//, ''), licenceOf(path)])
  .filter(([, licence]) => !isAllowed(licence))
for (const [name, licence] of wrong)
  console.error(`${name}: ${licence || 'no licence'} is not on the list of scripts/licences.js`)
console.log(`${installed.length} packages at run time, ${wrong.length} with a licence that is not allowed`)
process.exitCode = wrong.length === 0 ? 0 : 1
