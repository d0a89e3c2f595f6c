import { exitCodes } from '../errors.js'
import { unlock as unlockStore } from '../store/lock.js'
import { openStore } from '../wire.js'
import type { CommandContext, CommandResult } from './context.js'

/** `deliver unlock ID`: frees a lock whose deploy is dead. A deploy that is not will notice, and stop. */
export async function unlock(
  context: CommandContext,
  options: { readonly id: string },
): Promise<CommandResult> {
  const { app, environment, ...config } = await context.config()
  const store = await openStore({ app, environment, ...config })
  const lock = await unlockStore(store, { app, environment, id: options.id })
  return {
    code: exitCodes.done,
    text: `unlocked: ${app} ${environment} was locked by ${lock.owner} since ${lock.since}`,
  }
}
