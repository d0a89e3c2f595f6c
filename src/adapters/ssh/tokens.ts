/** What stands for what in paths of the ssh config: `%h` the host, `%d` the home directory, and so on. */
export interface TokenValues {
  /** `%h`: the address that is connected to. */
  readonly host: string
  /** `%n`: the name as the user wrote it. */
  readonly originalHost: string
  readonly port: number
  /** `%r`: the user on the host. */
  readonly user: string
  /** `%u`: the user here. */
  readonly localUser: string
  readonly home: string
  readonly hostKeyAlias?: string
  readonly env: NodeJS.ProcessEnv
}

/** Expands `%` tokens, `${VARIABLES}` and a leading `~`. Gives a sentence instead when something has no value. */
export function expandPath(
  text: string,
  values: TokenValues,
): { readonly path: string } | { readonly problem: string } {
  const missing: string[] = []
  const tokens: Readonly<Record<string, string>> = {
    '%': '%',
    h: values.host,
    n: values.originalHost,
    p: String(values.port),
    r: values.user,
    u: values.localUser,
    d: values.home,
    k: values.hostKeyAlias ?? values.originalHost,
  }
  const expanded = text.replace(
    /%(.?)|\$\{([^}]*)\}/gs,
    (whole, token: string | undefined, name: string | undefined) => {
      const value = name === undefined ? tokens[token ?? ''] : values.env[name]
      if (value === undefined) missing.push(whole)
      return value ?? ''
    },
  )
  if (missing.length > 0)
    return { problem: `${missing.join(' and ')} in ${JSON.stringify(text)} has no value` }
  return { path: expandHome(expanded, values.home) }
}

export function expandHome(path: string, home: string): string {
  return path === '~' || path.startsWith('~/') ? `${home}${path.slice(1)}` : path
}
