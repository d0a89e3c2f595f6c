import { secretParts, type NotifyTarget } from '../config/notify.js'
import type { SecretText } from '../config/secret.js'
import type { Config } from '../config/types.js'
import { slackBot, slackWebhook, webhook, type Channel } from '../notify/channels.js'
import { command } from '../notify/command.js'
import type { Listener } from '../notify/notices.js'
import type { CommandContext } from './context.js'

/** Those whom the config wants to be told. Their secrets are read with the first notice. */
export function listenersOf(context: CommandContext, config: Config): readonly Listener[] {
  return (config.notify ?? []).map((target, index) => {
    const where = `notify[${index}]`
    return {
      label: `${where} (${target.kind === 'slack-bot' || target.kind === 'slack-webhook' ? 'slack' : target.kind})`,
      on: target.on,
      timeout: target.timeout,
      open: (signal) => openChannel({ context, config, where, signal }, target),
    }
  })
}

interface Opening {
  readonly context: CommandContext
  readonly config: Config
  /** The key, for errors. */
  readonly where: string
  readonly signal: AbortSignal
}

async function openChannel(opening: Opening, target: NotifyTarget): Promise<Channel> {
  const { context, config, where, signal } = opening
  // Not ended by an interrupt: that is told, too.
  const place = { directory: config.directory, env: context.env, signal }
  const { secrets } = context
  const read = async (value: SecretText, key: string): Promise<string> => {
    const text = await secrets.reveal(value, `${where}.${key}`, place)
    secrets.hide(secretParts(text))
    return text
  }
  const readAll = (values: Readonly<Record<string, SecretText>>, key: string) =>
    secrets.revealAll(values, `${where}.${key}`, place)
  switch (target.kind) {
    case 'slack-webhook':
      return slackWebhook({ url: await read(target.url, 'slack.webhook') })
    case 'slack-bot': {
      const { channel, ending, api } = target
      return slackBot({ token: await read(target.token, 'slack.token'), channel, ending, api })
    }
    case 'webhook':
      return webhook({
        url: await read(target.url, 'webhook.url'),
        headers: await readAll(target.headers, 'webhook.headers'),
        ...(target.secret === undefined ? {} : { secret: await read(target.secret, 'webhook.secret') }),
      })
    case 'command':
      return command({
        run: target.run,
        directory: config.directory,
        env: context.env,
        own: await readAll(target.env, 'env'),
        timeout: target.timeout,
        redactor: secrets.redactor,
      })
  }
}
