import { systemClock } from '../adapters/clock.js'
import type { ReleaseRecord } from '../release/release.js'
import { movePointer, type Pointer } from '../store/pointer.js'
import type { CommandContext } from './context.js'
import { thisOwner, type RolloutSession } from './rollout-session.js'

/** Moves the environment's pointer to a release. Rejects when the lock is lost, or the pointer isn't where it was read. */
export async function pointTo(
  context: CommandContext,
  { config, store, lease }: RolloutSession,
  record: ReleaseRecord,
  before: Pointer | undefined,
): Promise<void> {
  lease?.assertHeld()
  await movePointer({
    store,
    clock: systemClock,
    environment: config.environment,
    record,
    expected: before?.generation,
    movedBy: thisOwner(context).owner,
  })
}
