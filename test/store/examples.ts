import type { ReleaseRecord } from '../../src/release/release.js'
import type { Store } from '../../src/ports.js'

const digest = (letter: string): string => letter.repeat(64)

export function exampleRecord(release: string, archive = 'a'): ReleaseRecord {
  return {
    version: 1,
    app: 'api',
    release,
    commit: '1'.repeat(40),
    source: {
      commit: '2'.repeat(40),
      branch: 'main',
      author: 'A <a@example.org>',
      subject: 's',
      time: '2030-01-01',
    },
    archive: { size: 10, sha256: digest(archive), format: 'tar.gz' },
    tar: { size: 20, sha256: digest('b') },
    manifest: {
      size: 5,
      sha256: digest('c'),
      file: 'manifest.json.gz',
      entries: 3,
      bytes: 9,
      digest: digest('d'),
    },
  }
}

export type WriteFault = 'lost-before' | 'lost-after' | 'none'

/** A store whose next conditional writes go wrong as told: the request is lost on the way, or its answer is. */
export function withWriteFaults(store: Store, faults: WriteFault[]): Store {
  return {
    ...store,
    async writeDocument(key, text, expected) {
      const fault = faults.shift() ?? 'none'
      if (fault === 'lost-before') throw new Error('connection reset')
      const result = await store.writeDocument(key, text, expected)
      if (fault === 'lost-after') throw new Error('connection reset')
      return result
    },
  }
}
