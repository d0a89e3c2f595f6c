/** Where apps are deployed to, relative to a host's home. */
export const targetPath = 'app'

/** The app's output, relative to the target path, as `service.log` wants it. */
export const serviceLog = 'log/app.log'

/** The number of the app's process, relative to the target path. */
export const servicePidFile = 'log/app.pid'

/**
 * `service restart|stop|status` of a pretend host. It runs wherever POSIX sh does: dash, bash, busybox, macOS.
 *
 * - The app is a process group of its own, so that `npm start` dies with what it started. Where there is no setsid (macOS),
 *   job control makes the group.
 * - A process id alone may have been given to somebody else since; the start time beside it tells.
 * - A zombie counts as gone: some containers have an init that never reaps.
 */
export const serviceScript = String.raw`#!/bin/sh
# The service of a sandbox host: starts ~/etc/start in ~/${targetPath}/current, with the port of ~/etc/port.
set -u
host=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P) || exit 1
app=$host/${targetPath}
pid_file=$app/${servicePidFile}
log=$app/${serviceLog}
grace=5

say() { printf 'service: %s\n' "$*"; }

# To the app's process group; dash wants the --, busybox must not see it. The process alone where it has no group.
signal() {
  kill -s "$1" -- "-$pid" 2>/dev/null || kill -s "$1" "-$pid" 2>/dev/null || kill -s "$1" "$pid" 2>/dev/null
}

# Sets fields to those of a /proc/PID/stat from the third on; the second is a name that may hold anything.
read_stat() {
  line=''
  { IFS= read -r line <"$1"; } 2>/dev/null
  fields=${'$'}{line##*') '}
}

start_time() {
  if [ -r "/proc/$1/stat" ]; then
    read_stat "/proc/$1/stat"
    set -- $fields
    printf '%s\n' "${'$'}{20:-}"
  else
    set -- $(LC_ALL=C ps -o lstart= -p "$1" 2>/dev/null)
    printf '%s\n' "$*"
  fi
}

# Is any process of the group, or the process itself, there and not a zombie?
alive() {
  signal 0 || return 1
  [ -r /proc/self/stat ] || return 0
  for stat in /proc/[0-9]*/stat; do
    read_stat "$stat"
    set -- $fields
    [ $# -ge 3 ] || continue
    [ "$3" = "$pid" ] || [ "$stat" = "/proc/$pid/stat" ] || continue
    [ "$1" = Z ] || return 0
  done
  return 1
}

# Sets pid to the app's, or to nothing when it doesn't run.
find_app() {
  pid='' started=''
  [ -f "$pid_file" ] && { read -r pid; read -r started; } <"$pid_file"
  case $pid in '' | *[!0-9]*) pid='' && return 1 ;; esac
  now=$(start_time "$pid")
  if [ -n "$now" ] && [ "$now" != "$started" ]; then pid='' && return 1; fi
  alive || { pid='' && return 1; }
}


wait_gone() {
  deadline=$(($(date +%s) + $1))
  while alive; do
    [ "$(date +%s)" -lt "$deadline" ] || return 1
    sleep 0.05 2>/dev/null || sleep 1
  done
}

stop_app() {
  if find_app; then
    signal TERM
    if ! wait_gone "$grace"; then
      say "process $pid did not end within $grace s of TERM, killing it"
      signal KILL
      wait_gone "$grace" || { say "process $pid can't be killed" >&2; exit 1; }
    fi
    say "stopped process $pid"
  fi
  rm -f "$pid_file"
}

start_app() {
  cd -P -- "$app/current" 2>/dev/null || { say "no release at $app/current" >&2; exit 1; }
  PORT=$(cat "$host/etc/port")
  HOST_NAME=$(cat "$host/etc/name")
  export PORT HOST_NAME
  command=$(cat "$host/etc/start")
  if command -v setsid >/dev/null 2>&1; then
    setsid sh -c "$command" </dev/null >>"$log" 2>&1 &
  else
    set -m
    nohup sh -c "$command" </dev/null >>"$log" 2>&1 &
  fi
  pid=$!
  { printf '%s\n' "$pid"; start_time "$pid"; } >"$pid_file.new" && mv -f "$pid_file.new" "$pid_file"
  say "started process $pid in $(pwd) on port $PORT"
}

mkdir -p "$(dirname -- "$pid_file")" "$(dirname -- "$log")" || exit 1
case ${'$'}{1:-} in
  restart)
    stop_app
    start_app
    ;;
  stop)
    stop_app
    ;;
  status)
    if find_app; then say "process $pid runs"; else say 'stopped' && exit 3; fi
    ;;
  *)
    say 'usage: service restart|stop|status' >&2
    exit 2
    ;;
esac
`
