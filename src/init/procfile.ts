/** Jobs of an init system for the process types of a Procfile: one each, as foreman made them. */

export interface ProcessType {
  readonly name: string
  readonly command: string
}

export function parseProcfile(text: string): readonly ProcessType[] {
  return text.split('\n').flatMap((line) => {
    const [, name, command] = /^([A-Za-z0-9_-]+):\s*(.+?)\s*$/.exec(line) ?? []
    return name === undefined || command === undefined ? [] : [{ name, command }]
  })
}

export interface JobPlace {
  readonly app: string
  readonly user: string
  readonly path: string
}

export interface JobFile {
  readonly file: string
  readonly text: string
}

/** What the first type listens on; each further one a hundred more, as with foreman. */
const firstPort = 5000

export function jobFiles(
  kind: 'systemd' | 'upstart',
  types: readonly ProcessType[],
  place: JobPlace,
): readonly JobFile[] {
  return types.map((type, index) => {
    const port = firstPort + 100 * index
    return kind === 'systemd' ? systemdUnit(type, port, place) : upstartJob(type, port, place)
  })
}

function systemdUnit({ name, command }: ProcessType, port: number, { app, user, path }: JobPlace): JobFile {
  return {
    file: `${app}-${name}.service`,
    text: `[Unit]
Description=${inUnit(`${app} ${name}`)}
After=network-online.target
Wants=network-online.target

[Service]
User=${user}
WorkingDirectory=${inUnit(`${path}/current`)}
Environment=PORT=${port}
EnvironmentFile=-${inUnit(`${path}/shared/.env`)}
ExecStart=/bin/sh -c "${inExec(executable(command))}"
Restart=always
RestartSec=1
KillMode=mixed

[Install]
WantedBy=multi-user.target
`,
  }
}

function upstartJob({ name, command }: ProcessType, port: number, { app, user, path }: JobPlace): JobFile {
  return {
    file: `${app}-${name}.conf`,
    text: `description "${app} ${name}"

start on runlevel [2345]
stop on runlevel [!2345]

respawn
respawn limit 10 30
setuid ${user}
env PORT=${port}
chdir ${path}/current

script
  [ ! -r ${inShell(`${path}/shared/.env`)} ] || { set -a; . ${inShell(`${path}/shared/.env`)}; set +a; }
  ${executable(command)}
end script
`,
  }
}

/** The process itself gets the signals, where the command is one program and not more of a script. */
function executable(command: string): string {
  return /[;&|<>()`\n]|^\s*(\w+=|exec\b)/.test(command) ? command : `exec ${command}`
}

const inUnit = (text: string): string => text.replaceAll('%', '%%')
const inShell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Inside double quotes of ExecStart: systemd reads backslashes, quotes, specifiers and variables there before sh does. */
function inExec(command: string): string {
  return command
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replaceAll('$', () => '$$')
}
