import { allKeys, type Key } from '../config/keys.js'
import { variableFor } from '../config/overrides.js'
import { DeliverError, exitCodes } from '../errors.js'
import { topicList, topics, type Topic } from '../guidance/topics.js'
import { nearest } from '../nearest.js'
import type { CommandContext, CommandResult } from './context.js'

export interface HelpOptions {
  readonly topic?: string | undefined
  /** The program's own help, or a command's; undefined: there is no such command. */
  readonly ofCommand: (name?: string) => string | undefined
  readonly commands: readonly string[]
}

/** `deliver help [TOPIC]`: a topic, a command, or a section or key of the config. */
export function help(
  context: CommandContext,
  { topic: asked, ofCommand, commands }: HelpOptions,
): CommandResult {
  context.print(asked === undefined ? everything(ofCommand) : about(asked, ofCommand, commands))
  return { code: exitCodes.done, text: '' }
}

function everything(ofCommand: HelpOptions['ofCommand']): string {
  return `${ofCommand() ?? ''}\nTopics (deliver help TOPIC):\n${topicList()}\n`
}

function about(asked: string, ofCommand: HelpOptions['ofCommand'], commands: readonly string[]): string {
  const command = ofCommand(asked)
  if (command !== undefined) return command
  const topic = topics.find(({ name }) => name === asked)
  if (topic !== undefined) return topicText(topic)
  const keys = allKeys()
  const key = keys.find(({ path }) => nameOf(path) === asked || path.join('.') === asked)
  if (key !== undefined) return `${[keyText(key), ...below(key.path)].join('\n')}\n`
  const known = [...commands, ...topics.map(({ name }) => name), ...keys.map(({ path }) => nameOf(path))]
  const meant = nearest(asked, known)
  throw new DeliverError('usage', `help: there is no topic, command or key ${JSON.stringify(asked)}`, {
    fix: `${meant === undefined ? '' : `Did you mean ${meant}? `}Topics are ${topics.map(({ name }) => name).join(', ')}; deliver help config lists the sections of the config.`,
  })
}

function topicText({ name, text, section }: Topic): string {
  const keys = section !== undefined ? below([section]) : name === 'config' ? below([]) : []
  return [text, ...(keys.length === 0 ? [] : ['', ...keys]), ''].join('\n')
}

/** The keys one step below, each in a line. */
function below(path: readonly string[]): readonly string[] {
  const inside = allKeys().filter((key) => {
    const own = key.path.filter((part) => part !== '[]')
    return own.length === path.length + 1 && path.every((part, at) => own[at] === part)
  })
  const width = Math.max(0, ...inside.map((key) => nameOf(key.path).length))
  return inside.map((key) => `  ${nameOf(key.path).padEnd(width)}  ${key.description}`)
}

function keyText(key: Key): string {
  const variable = variableFor(key)
  const facts = [
    `type: ${key.type}`,
    ...(key.required ? ['required'] : []),
    ...(key.default === undefined ? [] : [`default: ${spelled(key.default)}`]),
    ...(variable === undefined ? [] : [`variable: ${variable}`]),
  ]
  return `${nameOf(key.path)}: ${key.description}\n${facts.join('; ')}`
}

function nameOf(path: readonly string[]): string {
  return path.join('.').replaceAll('.[]', '[]')
}

function spelled(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
