import type { ReleaseRecord } from './release.js'

/** What all signatures of deliver are made for (`ssh-keygen -Y sign -n`): one that was made for anything else is none of ours. */
export const signatureNamespace = 'deliver'

/**
 * What is signed of a release: all that decides what runs, in lines that a shell can read too. The same for the same release,
 * whoever reads it.
 */
export function releaseStatement(record: ReleaseRecord): string {
  const { archive, tar, manifest } = record
  const lines = [
    'deliver-release 1',
    `app=${record.app}`,
    `release=${record.release}`,
    `listing=${manifest.digest}`,
    `archive=${archive.format} ${archive.size} ${archive.sha256}`,
    `tar=${tar.size} ${tar.sha256}`,
    `manifest=${manifest.file} ${manifest.size} ${manifest.sha256}`,
    `commit=${record.commit}`,
    `source=${record.source.commit}`,
    `version=${JSON.stringify(record.appVersion ?? '')}`,
    `confirm=${JSON.stringify(record.confirm ?? '')}`,
    `oldest-rollback=${record.oldestRollback ?? ''}`,
  ]
  return `${lines.join('\n')}\n`
}

/** What is signed of a pointer: the line that servers read which boot. Everything that they do is in it. */
export function pointerStatement(bootLine: string): string {
  return `deliver-pointer 1\n${bootLine}\n`
}
