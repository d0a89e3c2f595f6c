import type { z } from './fields.js'
import { oneLine, type Rule } from './names.js'
import { shown } from './values.js'

/** What may stand in the settings of servers that boot. The messages repeat no URL: people put passwords into them. */

export const baseUrl: Rule = (text) => {
  const problem = oneLine(text)
  if (problem !== undefined) return problem
  const fix = 'Write it like https://builds.example.com/apps'
  if (!/^https?:\/\/[^/]/.test(text) || !URL.canParse(text)) return `is no URL. ${fix}`
  const { username, password, search, hash } = new URL(text)
  if (`${username}${password}${search}${hash}` === '') return undefined
  return `carries a login, query or fragment. ${fix}; user data is readable on every server that boots`
}

/** As Auto Scaling takes it. */
export const hookName: Rule = (text) =>
  /^[A-Za-z0-9_/-]{1,255}$/.test(text)
    ? undefined
    : `${shown(text)} is no name of a lifecycle hook. Use letters, digits, "-", "_" and "/"`

export const groupName: Rule = (text) => {
  const problem = oneLine(text)
  if (problem !== undefined) return problem
  return text.length <= 255 && !text.includes(':')
    ? undefined
    : `${shown(text)} is no name of a group. Write at most 255 characters, without ":"`
}

export function groupNeedsHook(
  boot: { readonly lifecycleHook?: string; readonly group?: string },
  context: z.RefinementCtx,
): void {
  if (boot.group === undefined || boot.lifecycleHook !== undefined) return
  context.addIssue({
    code: 'custom',
    path: ['group'],
    message: 'is only for a lifecycle hook. Write lifecycleHook too, or remove it',
  })
}
