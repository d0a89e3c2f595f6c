import type { Ec2Instance, GroupMember } from './api.js'

/** What a label and its value may be; tags that are more stay out, they can't be selected by anyway. */
const safe = /^[\w./:@+-]{1,200}$/

/** Ours win over tags of the same name: `--hosts zone=...` must mean the zone. */
export function labelsOf(member: GroupMember, instance: Ec2Instance): Readonly<Record<string, string>> {
  const { Name: named, ...tags } = instance.tags
  const own: readonly (readonly [string, string | undefined])[] = [
    ['id', instance.id],
    ['zone', instance.zone],
    ['group', member.group],
    ['type', instance.type],
    ['lifecycle', instance.lifecycle],
    ['named', named],
  ]
  const ofTags = Object.entries(tags).filter(([key]) => !key.startsWith('aws:'))
  const pairs = [...ofTags, ...own].filter(
    (pair): pair is [string, string] => safe.test(pair[0]) && pair[1] !== undefined && safe.test(pair[1]),
  )
  return Object.fromEntries(pairs)
}
