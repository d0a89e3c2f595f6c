import { Writable } from 'node:stream'

/** A stream whose text can be looked at. */
export class Collected extends Writable {
  text = ''
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}
