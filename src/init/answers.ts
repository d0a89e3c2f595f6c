/** What a config is written from: detected, asked, or given as options. */
export interface Answers {
  readonly app: string
  readonly hosts: readonly string[]
  readonly user?: string
  readonly port?: number
  readonly connectTimeout?: string
  readonly path: string
  /** `systemd:api`, `upstart:api`, `pm2:api` or `none`. */
  readonly service?: string
  /** A directory, or `s3://bucket/prefix`. */
  readonly store: string
  readonly health?: string
  readonly setup?: string
  readonly hooks?: Readonly<Record<string, string>>
}

const kinds = ['systemd', 'upstart', 'pm2']

export interface ServiceName {
  readonly kind: string
  readonly name: string
}

/** Undefined: it is none of the forms. */
export function serviceOf(text: string): ServiceName | undefined {
  const [kind = '', ...name] = text.split(':')
  return kinds.includes(kind) && name.join(':') !== '' ? { kind, name: name.join(':') } : undefined
}

/** The same as an object, to be checked by the schema before anything is written. */
export function configOf(answers: Answers): Readonly<Record<string, unknown>> {
  const { app, hosts, user, port, connectTimeout, path, service, store, health, setup, hooks } = answers
  const named = service === undefined ? undefined : serviceOf(service)
  const ssh = {
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port }),
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
  }
  return {
    app,
    ...(setup === undefined ? {} : { build: { setup } }),
    store: storeOf(store),
    fleet: { hosts: hosts.map(hostOf) },
    ...(Object.keys(ssh).length === 0 ? {} : { ssh }),
    target: { path },
    ...(named === undefined ? {} : { service: { [named.kind]: named.name } }),
    ...(health === undefined ? {} : { health: { http: health } }),
    ...(hooks === undefined || Object.keys(hooks).length === 0 ? {} : { hooks }),
  }
}

function storeOf(store: string): Readonly<Record<string, unknown>> {
  const s3 = /^s3:\/\/([^/]+)\/?(.*)$/.exec(store)
  if (s3 === null) return { directory: store }
  const prefix = (s3[2] ?? '').replace(/\/+$/, '')
  return { s3: { bucket: s3[1], ...(prefix === '' ? {} : { prefix }) } }
}

/** `web1`, `deploy@web1` or `web1:2222`. */
function hostOf(text: string): unknown {
  const form = /^(?:([^@:\s]+)@)?([^@:\s]+)(?::(\d{1,5}))?$/.exec(text)
  if (form === null || (form[1] === undefined && form[3] === undefined)) return text
  return {
    host: form[2],
    ...(form[3] === undefined ? {} : { port: Number(form[3]) }),
    ...(form[1] === undefined ? {} : { user: form[1] }),
  }
}
