import { text, z } from '../fields.js'
import * as names from '../names.js'

/** Who may publish: signatures of releases and pointers. */

export interface SigningConfig {
  readonly key?: string
  readonly allowedSigners?: string
  readonly required: boolean
}

const localPath = () => text(names.oneLine, 'path')

export const signing = z.strictObject({
  key: localPath()
    .exactOptional()
    .describe(
      'SSH key that signs releases and pointers: a private key, or a public one whose private key the ssh agent has. Relative to the config file.',
    ),
  allowedSigners: localPath()
    .exactOptional()
    .describe(
      'File of keys that may sign, by the name of the app (ALLOWED SIGNERS in ssh-keygen(1)). Releases are verified against it before a deploy. Relative to the config file.',
    ),
  required: z
    .boolean()
    .prefault(true)
    .describe('Whether allowedSigners refuses releases without a signature; wrong ones are always refused.'),
}) satisfies z.ZodType<SigningConfig>
