import { classicBalancer } from '../rig/load-balancers.js'
import { describeDrainedDeploys } from './drained-deploys.js'

describeDrainedDeploys(classicBalancer, {
  entry: 'load-balancer ',
  unhealthy: 'OutOfService .Instance: Instance has failed',
})
