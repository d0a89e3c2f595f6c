import { DeliverError } from '../errors.js'
import { plainCopy } from './plain.js'
import { formatPath, problemsOf } from './problems.js'
import { hostListSchema } from './schema.js'
import type { HostConfig } from './types.js'

/**
 * Checks what a fleet function returned: it may come from DNS, an inventory or a cloud, so it is held to the same rules as a
 * list in the config. Throws a DeliverError of kind `usage` with everything that is wrong.
 */
export function readHostList(returned: unknown): readonly HostConfig[] {
  const copy = plainCopy(returned)
  const read = hostListSchema.safeParse(copy.value)
  if (read.success && copy.problems.length === 0) return read.data
  // Described as if it stood in the config, where the schema knows the keys of a host.
  const issues = (read.error?.issues ?? []).map((issue) => ({
    ...issue,
    path: ['fleet', 'hosts', ...issue.path],
  }))
  const described = problemsOf(issues, { fleet: { hosts: copy.value } })
  const found = [...copy.problems, ...described.map(({ path, text }) => ({ path: path.slice(2), text }))]
  const lines = found.map(
    ({ path, text }) => `  fleet()${path.length === 0 ? '' : formatPath(path)}: ${text}`,
  )
  throw new DeliverError('usage', ['The fleet function returned no list of hosts:', ...lines].join('\n'), {
    fix: 'Return a list such as ["web1", { host: "10.0.0.2", port: 2222 }].',
  })
}
