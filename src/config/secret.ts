/** A value that the config only says where to find. It is read when it is used, and hidden wherever something is shown. */
export interface Secret {
  readonly secret: { readonly env: string } | { readonly file: string } | { readonly command: string }
}

/** Text of the config, or a secret. */
export type SecretText = string | Secret

/**
 * For config files: a value that is read when it is needed, and never shown. `secret('NPM_TOKEN')` is the environment variable,
 * `{ file }` a file relative to the config, `{ command }` what a shell command prints. The last newlines don't count.
 */
export function secret(from: string | Secret['secret']): Secret {
  return { secret: typeof from === 'string' ? { env: from } : from }
}
