import type { Finding } from '../check/finding.js'
import { isWithoutHosts, judge } from '../check/judge.js'
import { exitCodes } from '../errors.js'
import type { Selection } from '../plan/select.js'
import { lookAtAll } from './check/look.js'
import { canRepair, repair, repairsOf } from './check/repair.js'
import type { CommandContext, CommandResult } from './context.js'

export interface CheckOptions extends Selection {
  /** Puts right what runs of ours left. */
  readonly fix?: boolean | undefined
  /** With `fix`: how long another run's lock is waited for. */
  readonly lockWait?: string | undefined
}

/** `deliver check`: whether everything that a deploy needs is as it must be, and what to do where it isn't. */
export async function check(context: CommandContext, options: CheckOptions = {}): Promise<CommandResult> {
  let facts = await lookAtAll(context, options)
  let findings = judge(facts)
  const repairable = repairsOf(findings)
  if (options.fix === true && repairable.size > 0 && canRepair(facts)) {
    await repair(context, options, findings).catch((error: unknown) => {
      // Somebody else's deploy is no reason not to tell what was seen.
      context.reporter.event({ type: 'findings', findings })
      throw error
    })
    // What is told is what is left, not what was hoped for.
    facts = await lookAtAll(context, options)
    findings = judge(facts)
  }
  context.reporter.event({ type: 'findings', findings })
  const problems = count(findings, 'problem')
  const warnings = count(findings, 'warning')
  const data = { version: 1, problems, warnings, findings }
  return { code: codeOf(problems, isWithoutHosts(facts)), text: summary(problems, warnings), data }
}

function codeOf(problems: number, withoutHosts: boolean): number {
  if (withoutHosts) return exitCodes.noHosts
  return problems > 0 ? exitCodes.precondition : exitCodes.done
}

function count(findings: readonly Finding[], level: Finding['level']): number {
  return findings.filter((finding) => finding.level === level).length
}

function summary(problems: number, warnings: number): string {
  const many = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`
  if (problems > 0) return `${many(problems, 'problem')}, ${many(warnings, 'warning')}`
  return warnings > 0 ? `nothing stands in the way of a deploy; ${many(warnings, 'warning')}` : 'all is well'
}
