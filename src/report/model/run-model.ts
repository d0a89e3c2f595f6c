import type { DeliverEvent, ShownPlan, ShownSetting } from '../events.js'
import { cleanPlan } from './clean-plan.js'
import { hostModel, isEnd, type HostModel, type Transfer } from './host-model.js'
import { Rate } from './rate.js'

export interface StepModel {
  readonly name: string
  detail: string | undefined
  readonly from: number
  to?: number
}

export interface BatchModel {
  readonly number: number
  readonly of: number
  readonly hosts: readonly string[]
  readonly from: number
  to?: number
}

export interface Message {
  readonly at: number
  readonly kind: 'note' | 'warning'
  readonly host: string | undefined
  readonly text: string
}

export interface ResultModel {
  readonly ok: boolean
  readonly code: number
  readonly text: string
  readonly fix: string | undefined
}

type Of<T extends DeliverEvent['type']> = Extract<DeliverEvent, { type: T }>

/** A run that goes on for hours must not grow without bound. */
const most = { probes: 400, messages: 500, logLines: 60, outputLines: 60, spans: 200 }

/** All that views show, gathered from events. Times are ms since 1970. Texts pass `clean` when they come in. */
export class RunModel {
  readonly startedAt: number
  endedAt: number | undefined
  command = ''
  version = ''
  app = ''
  environment = ''
  settings: readonly ShownSetting[] = []
  plan: ShownPlan | undefined
  readonly hosts = new Map<string, HostModel>()
  readonly steps: StepModel[] = []
  readonly batches: BatchModel[] = []
  /** Of a step that is of no host, while it is under way: of a publish. */
  progress: { readonly step: string; readonly transfer: Transfer } | undefined
  readonly messages: Message[] = []
  /** The last lines of output that is of no host: of a build, mostly. */
  readonly output: string[] = []
  result: ResultModel | undefined
  readonly #clean: (text: string) => string
  readonly #rates = new Map<string, Rate>()

  constructor(startedAt: number, clean: (text: string) => string) {
    this.startedAt = startedAt
    this.#clean = clean
  }

  /** Takes in what happened at `at`. */
  take(event: DeliverEvent, at: number): void {
    switch (event.type) {
      case 'run-started':
        this.command = this.#clean(event.command)
        this.version = event.version
        return
      case 'config':
        return this.#config(event)
      case 'note':
      case 'warning':
        return this.#message(event, at)
      case 'output':
        return this.#output(event, at)
      case 'step-started':
        this.steps.push({ name: this.#clean(event.step), detail: this.#cleanOr(event.detail), from: at })
        return
      case 'step-done':
        return this.#stepDone(event, at)
      case 'plan':
        return this.#planned(event, at)
      case 'transfer': {
        const host = this.#host(event.host, at)
        host.transfer = { total: event.bytes, done: 0 }
        host.sentAs = event.base === undefined ? event.encoding : `delta on ${this.#clean(event.base)}`
        return
      }
      case 'progress':
        return this.#progress(event, at)
      case 'host-state':
        return this.#state(event, at)
      case 'batch-started':
        return this.#batchStarted(event, at)
      case 'batch-done': {
        const batch = this.batches.findLast(({ number, to }) => number === event.batch && to === undefined)
        if (batch !== undefined) batch.to = at
        return
      }
      case 'probe':
        return this.#probe(event, at)
      case 'outcome': {
        const host = this.#host(event.host, at)
        const { outcome: kind, ms } = event
        const runs = event.runs === undefined || event.runs === null ? event.runs : this.#clean(event.runs)
        host.outcome = { kind, ms, runs, because: this.#cleanOr(event.because) }
        return
      }
      case 'table':
      case 'host-lines':
      case 'findings':
        return
      case 'result':
        return this.#ended(event, at)
    }
  }

  #cleanOr(text: string | undefined): string | undefined {
    return text === undefined ? undefined : this.#clean(text)
  }

  #host(name: string, at: number): HostModel {
    const clean = this.#clean(name)
    const known = this.hosts.get(clean)
    if (known !== undefined) return known
    const host = hostModel(clean, at)
    this.hosts.set(clean, host)
    return host
  }

  #config({ app, environment, settings }: Of<'config'>): void {
    this.app = this.#clean(app)
    this.environment = this.#clean(environment)
    this.settings = settings.map(({ path, value }) => ({
      path: this.#clean(path),
      value: this.#clean(value),
    }))
  }

  #message({ type, host, text }: Of<'note' | 'warning'>, at: number): void {
    this.messages.push({ at, kind: type, host: this.#cleanOr(host), text: this.#clean(text) })
    keepLast(this.messages, most.messages)
  }

  #output({ host, of, line }: Of<'output'>, at: number): void {
    const text = this.#clean(line)
    if (host !== undefined && of === 'service-log') {
      const { log } = this.#host(host, at)
      log.push(text)
      keepLast(log, most.logLines)
    } else {
      this.output.push(host === undefined ? text : `${this.#clean(host)}  ${text}`)
      keepLast(this.output, most.outputLines)
    }
  }

  #stepDone({ step, detail }: Of<'step-done'>, at: number): void {
    const name = this.#clean(step)
    if (this.progress?.step === name) this.progress = undefined
    const found = this.steps.findLast((each) => each.name === name && each.to === undefined)
    if (found === undefined) return
    found.to = at
    found.detail = this.#cleanOr(detail) ?? found.detail
  }

  #planned(plan: Of<'plan'>, at: number): void {
    this.plan = cleanPlan(plan, this.#clean)
    for (const { host, stage, act } of plan.hosts) {
      const { state } = this.#host(host, at)
      if (state !== 'connecting') continue
      // What it was asked has been answered.
      const has = stage === 'present' && act === 'activate'
      this.#state({ type: 'host-state', host, state: has ? 'staged' : 'probing' }, at)
    }
    for (const [index, hosts] of this.plan.batches.entries())
      for (const name of hosts) this.#host(name, at).batch = index + 1
  }

  #progress({ host: name, step, done, total }: Of<'progress'>, at: number): void {
    const key = JSON.stringify([name, step])
    const rate = this.#rates.get(key) ?? new Rate()
    this.#rates.set(key, rate)
    if (name === undefined) {
      const transfer = { total, done: Math.min(done, total), rate: rate.take(done, at) }
      this.progress = done < total ? { step: this.#clean(step), transfer } : undefined
      return
    }
    const host = this.#host(name, at)
    const before = host.transfer?.done ?? 0
    // A transfer that began again sends again.
    const more = done >= before ? done - before : done
    if (step === 'stage') host.sent += more
    host.transfer = { total, done: Math.min(done, total), rate: rate.take(done, at) }
  }

  #state({ host: name, state, detail }: Of<'host-state'>, at: number): void {
    const host = this.#host(name, at)
    // Back into traffic comes after the end of a host that failed, and changes nothing about that.
    if (state === 'rejoining' && isEnd(host.state)) return
    const last = host.spans.at(-1)
    if (last?.state !== state) {
      if (last !== undefined) last.to = at
      host.spans.push({ state, from: at })
      keepLast(host.spans, most.spans)
      host.since = at
      host.lastProbe = undefined
      if (state !== 'staging') host.transfer = undefined
    }
    host.state = state
    host.detail = this.#cleanOr(detail)
  }

  #batchStarted({ batch: number, of, hosts }: Of<'batch-started'>, at: number): void {
    const names = hosts.map((host) => this.#clean(host))
    this.batches.push({ number, of, hosts: names, from: at })
    for (const name of hosts) this.#host(name, at).batch = number
  }

  #probe(event: Of<'probe'>, at: number): void {
    const host = this.#host(event.host, at)
    const { ok, streak, successes, uptime, minUptime } = event
    const because = this.#cleanOr(event.because)
    host.lastProbe = { ok, because, streak, successes, uptime, minUptime }
    host.probed[ok ? 'good' : 'bad']++
    if (host.probes.length < most.probes)
      host.probes.push({ at, ok, ...(because === undefined ? {} : { because }) })
  }

  #ended({ ok, code, text, fix }: Of<'result'>, at: number): void {
    this.endedAt = at
    this.result = { ok, code, text: this.#clean(text), fix: this.#cleanOr(fix) }
    for (const { spans } of this.hosts.values()) {
      const last = spans.at(-1)
      if (last !== undefined) last.to ??= at
    }
  }
}

function keepLast(list: unknown[], count: number): void {
  if (list.length > count) list.splice(0, list.length - count)
}
