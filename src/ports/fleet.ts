/** One server of the fleet. `name` is unique in the fleet, shown to people and matched by `--hosts`. */
export interface Host {
  readonly name: string
  /** DNS name, IP address, or an alias of the user's ssh config. */
  readonly address: string
  readonly port?: number
  readonly user?: string
  readonly labels: Readonly<Record<string, string>>
  /** The cloud's id of this server, where it has one: another id is another host, whatever its name and address. */
  readonly instance?: string
}

export interface Fleet {
  /** For people: "3 hosts of the config". */
  readonly name: string
  /**
   * The hosts that run the app right now. May be called often; each call asks again. Never returns two hosts of one
   * name. An empty fleet is a result here; refusing it is the command's business. Errors are DeliverErrors.
   */
  hosts(signal?: AbortSignal): Promise<readonly Host[]>
  /** How many hosts there ought to be, for a fleet that knows it: far fewer in `hosts` is a reason to stop. */
  desired?(signal?: AbortSignal): Promise<number>
  /** Servers that were launched and are not in service yet. */
  pending?(signal?: AbortSignal): Promise<readonly PendingHost[]>
  /** Servers of the fleet that are neither hosts nor on their way, and why. */
  leftOut?(signal?: AbortSignal): Promise<readonly LeftOut[]>
  /** Milliseconds from its launch after which a pending server isn't waited for any more. */
  readonly bootTimeout?: number
  /** What takes hosts out of traffic while they are switched; undefined: nothing does. */
  readonly drain?: Drain
  /** As Drain.restore, also for what another kind of drain changed: the config may have been edited since. */
  readonly restore?: Drain['restore']
}

export interface LeftOut {
  readonly name: string
  readonly because: string
  /** Somebody took it out of traffic, and nobody will replace it. */
  readonly standby: boolean
}

export interface PendingHost {
  readonly name: string
  /** Milliseconds since 1970, by the cloud's clock; undefined when it is not told. */
  readonly launchedAt?: number
}

/** Writes down what is about to be changed outside of hosts, durably, and what has been undone. */
export interface ChangeLog {
  add(entries: readonly string[]): Promise<void>
  remove(entries: readonly string[]): Promise<void>
}

/**
 * Takes hosts out of the load balancer and brings them back. Whatever is changed is in the change log before it is changed,
 * and leaves it after it was undone, so that a later run can undo what this one could not.
 */
export interface Drain {
  /** For people: "standby in the group api-prod". */
  readonly name: string
  /** Resolves when no traffic reaches these hosts any more. Rejects with a DeliverError; some may be out by then. */
  takeOut(hosts: readonly Host[], changes: ChangeLog, signal?: AbortSignal): Promise<void>
  /**
   * Resolves when these hosts are in service again, or the deadline has passed: to those that aren't by then, by name, and how they
   * are. Hosts that are in service, or that have gone, are fine. Idempotent. Rejects with a DeliverError for what the cloud refuses.
   */
  bringBack(
    hosts: readonly Host[],
    changes: ChangeLog,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, string>>
  /** Undoes what the log of an earlier run says, as far as it still is so. Gives the entries that could not be undone, and why. */
  restore(
    entries: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly { readonly entry: string; readonly because: string }[]>
}
