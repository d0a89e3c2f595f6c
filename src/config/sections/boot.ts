import { duration, text, z } from '../fields.js'
import * as names from '../names.js'
import * as rules from '../boot-rules.js'
import type { BootConfig } from '../types.js'

/** How servers that boot install the app by themselves: `deliver user-data`. */

export const boot = z
  .strictObject({
    fetch: z
      .union([
        z.enum(['role', 'presigned']),
        z.strictObject({
          url: text(rules.baseUrl, 'URL').describe(
            'What serves the store over HTTP; the keys of the store are appended to it.',
          ),
        }),
      ])
      .prefault('role')
      .describe(
        'How a server reads the store. role: with the role of its instance (or AWS_ variables), from S3. { url }: from a server that needs no login. presigned: by URLs that are signed when the script is printed, for the release of that moment.',
      ),
    user: text(names.userName, 'user')
      .exactOptional()
      .describe('User that the app is installed as. Default: ssh.user.'),
    lifecycleHook: text(rules.hookName, 'name')
      .exactOptional()
      .describe(
        'Lifecycle hook of the group, completed when the app runs and abandoned when it does not start.',
      ),
    group: text(rules.groupName, 'name')
      .exactOptional()
      .describe('Auto Scaling group of the hook. Default: the one group of the fleet.'),
    retryFor: duration().prefault('10m').describe('How long a server tries before it gives up.'),
  })
  .superRefine(rules.groupNeedsHook)
  .transform(({ fetch, ...rest }): BootConfig => ({
    ...rest,
    fetch: typeof fetch === 'string' ? { kind: fetch } : { kind: 'url', url: fetch.url },
  }))
