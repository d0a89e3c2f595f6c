import { systemClock } from '../adapters/clock.js'
import { bootSettings } from '../boot/settings.js'
import type { ReleaseRecord } from '../release/release.js'
import { agentProgram } from '../remote/agent-program.js'
import { ensureBootFiles } from '../store/boot-files.js'
import { releaseStatement } from '../release/statement.js'
import { movePointer, type Pointer } from '../store/pointer.js'
import { readSignature } from '../store/signatures.js'
import type { CommandContext } from './context.js'
import { signer } from './signing.js'
import { thisOwner, type RolloutSession } from './rollout-session.js'

/** Moves the environment's pointer to a release. Rejects when the lock is lost, or the pointer isn't where it was read. */
export async function pointTo(
  context: CommandContext,
  { config, target, store, run, lease }: RolloutSession,
  record: ReleaseRecord,
  before: Pointer | undefined,
): Promise<void> {
  const files = await ensureBootFiles(store, record, agentProgram())
  const signature = await readSignature(store, record)
  const signed = signature === undefined ? undefined : { statement: releaseStatement(record), signature }
  lease?.assertHeld()
  await movePointer({
    store,
    clock: systemClock,
    environment: config.environment,
    record,
    expected: before?.generation,
    movedBy: thisOwner(context).owner,
    sign: signer(context, config),
    boot: { fence: run.fence, files, settings: bootSettings(config, target), signed },
  })
}
