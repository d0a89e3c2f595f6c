import { describeLoad } from '../contract/load.js'
import { createFakeLoad } from './load.js'

describeLoad('a machine that is told', () => {
  const load = createFakeLoad()
  return { load, pass: () => load.tell({}) }
})
