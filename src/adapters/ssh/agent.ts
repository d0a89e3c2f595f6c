import type { BaseAgent, IdentityCallback, ParsedKey, SignCallback, SigningRequestOptions } from 'ssh2'
import type { Ssh2 } from './ssh2.js'

type AnyKey = string | Buffer | ParsedKey

/** The keys of an ssh agent, in its order. Kinds that ssh2 can't use (certificates, FIDO) are left out. */
export async function agentKeys(
  agent: BaseAgent,
  ssh2: Ssh2,
  timeout: number,
): Promise<readonly ParsedKey[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer')), timeout)
    agent.getIdentities((error, entries = []) => {
      clearTimeout(timer)
      if (error) return reject(error)
      const keys = entries.flatMap((entry) => {
        const holder = typeof entry === 'object' && 'pubKey' in entry ? entry.pubKey : entry
        const key = typeof holder === 'object' && 'pubKey' in holder ? holder.pubKey : holder
        const parsed = ssh2.utils.parseKey(key)
        return parsed instanceof Error ? [] : [parsed]
      })
      resolve(keys)
    })
  })
}

/**
 * An agent that offers one key of another. ssh2 tries every key of an agent in a row, which with many keys
 * ends in "too many authentication failures" before the right one; through this we choose which, and in which order.
 */
export function singleKeyAgent(agent: BaseAgent, key: ParsedKey, ssh2: Ssh2): BaseAgent {
  class SingleKeyAgent extends ssh2.BaseAgent {
    override getIdentities(callback: IdentityCallback): void {
      callback(null, [key])
    }

    override sign(
      publicKey: AnyKey,
      data: Buffer,
      options: SigningRequestOptions,
      callback?: SignCallback,
    ): void
    override sign(publicKey: AnyKey, data: Buffer, callback: SignCallback): void
    override sign(
      publicKey: AnyKey,
      data: Buffer,
      options: SigningRequestOptions | SignCallback,
      callback?: SignCallback,
    ): void {
      if (typeof options === 'function') agent.sign(publicKey, data, options)
      else agent.sign(publicKey, data, options, callback)
    }
  }
  return new SingleKeyAgent()
}
