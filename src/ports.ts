/**
 * What deliver asks of the world. Each port's comments are its contract; one contract suite (test/contract) runs
 * against its fake and every adapter.
 */
export type * from './ports/git.js'
export type * from './ports/fleet.js'
export type * from './ports/transport.js'
export type * from './ports/store.js'
export type * from './ports/alias.js'
export type * from './ports/clock.js'
export type * from './ports/load.js'
