/** The only import of ssh2 in the adapter, loaded with the first connection: it is slow to load. */
export async function loadSsh2() {
  const { default: ssh2 } = await import('ssh2')
  return ssh2
}

export type Ssh2 = Awaited<ReturnType<typeof loadSsh2>>
