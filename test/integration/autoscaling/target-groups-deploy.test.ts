import { targetGroup } from '../rig/load-balancers.js'
import { describeDrainedDeploys } from './drained-deploys.js'

describeDrainedDeploys(targetGroup, {
  entry: 'target ',
  unhealthy: 'unhealthy .Target.ResponseCodeMismatch: Health checks failed with these codes: .500..',
})
