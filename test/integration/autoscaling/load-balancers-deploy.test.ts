import { describe } from 'vitest'
import { classicBalancer } from '../rig/load-balancers.js'
import { describeDrainedDeploys } from './drained-deploys.js'

/** With DELIVER_LONG=1: target groups show the same deploys, and drains.test.ts what is of classic load balancers alone. */
describe.runIf(process.env['DELIVER_LONG'] === '1')('classic load balancers', () => {
  describeDrainedDeploys(classicBalancer, {
    entry: 'load-balancer ',
    unhealthy: 'OutOfService .Instance: Instance has failed',
  })
})
