/** The only import of ssh2 in the sandbox; loaded when a sandbox starts. */
export async function loadSsh2() {
  const { default: ssh2 } = await import('ssh2')
  return ssh2
}
