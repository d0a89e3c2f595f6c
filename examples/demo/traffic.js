/* global AbortSignal */
/** Milliseconds after which a request counts as failed. */
const patience = 10_000

/**
 * Clients that keep asking a URL, a few at a time, until `stop`, which resolves to what they saw: how many requests,
 * what failed (every answer that isn't a 200 with a release does), and how many answers came from each release.
 */
export function startTraffic(url, { clients = 4, pause = 20 } = {}) {
  const seen = { requests: 0, failures: [], releases: new Map() }
  let stopped = false

  async function ask() {
    seen.requests++
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(patience) })
      const body = await response.text()
      if (response.status !== 200) throw new Error(`${response.status} ${body.slice(0, 200)}`)
      const { release } = JSON.parse(body)
      seen.releases.set(release, (seen.releases.get(release) ?? 0) + 1)
    } catch (error) {
      seen.failures.push(`${new Date().toISOString()} ${error.cause?.message ?? error.message}`)
    }
  }

  const running = Array.from({ length: clients }, async () => {
    while (!stopped) {
      await ask()
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  })
  return {
    async stop() {
      stopped = true
      await Promise.all(running)
      return seen
    },
  }
}
