import { createConnection } from 'node:net'
import { keyType } from './known-hosts.js'
import { Fields, Frames, sshString } from './openssh/packet.js'

/** Numbers of the ssh agent's protocol. */
const listKeys = 11
const keyList = 12

/** The types of the keys that an ssh agent holds, those that the library can't use among them. No answer is none; never rejects. */
export function agentKeyTypes(socketPath: string, timeout: number): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const socket = createConnection({ path: socketPath })
    const timer = setTimeout(() => finish([]), timeout)
    const finish = (types: readonly string[]) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(types)
    }
    const frames = new Frames()
    socket.on('error', () => finish([]))
    socket.on('close', () => finish([]))
    socket.on('data', (chunk: Buffer) => {
      try {
        frames.push(chunk)
        const frame = frames.next()
        if (frame !== undefined) finish(typesOf(new Fields(frame)))
      } catch {
        finish([])
      }
    })
    socket.write(sshString(Buffer.from([listKeys])))
  })
}

function typesOf(fields: Fields): readonly string[] {
  if (fields.byte() !== keyList) return []
  const types: string[] = []
  for (let left = Math.min(fields.uint32(), 1000); left > 0; left--) {
    types.push(keyType(fields.string()))
    fields.string() // Its comment.
  }
  return types
}
