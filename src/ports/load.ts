/** What this machine can give to one process. */
export interface Machine {
  /** CPUs that this process may use. */
  readonly cores: number
  /** Bytes that it may use, by the machine and by its control group. */
  readonly memory: number
  /** Files and sockets that it may have open. Undefined: not known, or no limit. */
  readonly openFiles?: number
}

/** What was between two looks. */
export interface Reading {
  /** The part of the time in which this process computed, 0 to 1: its event loop, or the threads beside it. */
  readonly busy: number
  /** Bytes of memory that this process holds now. */
  readonly used: number
  /** Bytes that all programs of the machine could still be given. Undefined where the system doesn't tell. */
  readonly free?: number
}

/** How busy this process is. */
export interface Load {
  readonly machine: Machine
  /**
   * Calls `look`, which must not throw, every so often with what was since the call before, and for the first time after a while: until
   * the function that it returns is called, which may be done twice. Watching keeps no process alive. Several may watch at once.
   */
  watch(look: (reading: Reading) => void): () => void
}
