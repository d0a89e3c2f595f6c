# --- The service's process, and the one that has its port -----------------------------------------------------------

# Sets `uid`, once.
is_root() {
  [ -n "$uid" ] || uid=$(id -u)
  [ "$uid" = 0 ]
}

user_bus() {
  [ "$user" = 1 ] || return 0
  is_root || :
  export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$uid}"
}

systemctl_shows() {
  if [ "$user" = 1 ]; then systemctl --user "$@"; else systemctl "$@"; fi
}

need_service() {
  case $service in
    none) ;;
    systemd) [ -n "$unit" ] || bad_call 'no unit' ;;
    upstart) [ -n "$job" ] || bad_call 'no job' ;;
    pm2) [ -n "$name" ] || bad_call 'no name' ;;
    command) [ -n "$restart$port" ] || [ "$verb" != activate ] || bad_call 'no restart command' ;;
    *) bad_call "service $service" ;;
  esac
  case $unit$job$name in -*) bad_call 'a service name starts with -' ;; esac
}

# Sets `process_started`: when a process started, so that another one with its number isn't taken for it. Fails when it is gone.
find_start() {
  if [ -r "/proc/$1/stat" ]; then
    read -r stat_line 2>/dev/null <"/proc/$1/stat" || return 1
    set -f
    # shellcheck disable=SC2086 # fields after the name, which may contain anything
    set -- ${stat_line##*) }
    set +f
    process_started=${20:-unknown}
  elif [ ! -d /proc/self ]; then
    process_started=$(ps -o lstart= -p "$1" 2>/dev/null | tr -c '0-9A-Za-z\n' '_')
    [ -n "$process_started" ]
  else
    return 1
  fi
}

tell_service() {
  user_bus
  state='' active=unknown pid='' restarts='' control_group=''
  case $service in
    systemd) ask_systemd ;;
    upstart) ask_upstart ;;
    pm2) ask_pm2 ;;
    command) [ -z "$pidfile" ] || ask_pid_file ;;
  esac
  is_number "$pid" && [ "$pid" -gt 0 ] || pid=
  if [ -n "$port" ]; then
    find_holders "$port"
    choose_listener
    [ -n "$pid" ] || [ "$active" != unknown ] || pid=$listener
    [ -z "$listener" ] || [ "$active" != unknown ] || active=yes
    tell_listener
  fi
  fact active "$active"
  fact_line state "${state:-unknown}"
  fact pid "${pid:-unknown}"
  is_number "$restarts" || restarts=unknown
  fact restarts "$restarts"
  [ -z "$pid" ] || tell_process
}

ask_systemd() {
  shown=$(systemctl_shows show -p MainPID -p NRestarts -p ActiveState -p ControlGroup "$unit" 2>/dev/null)
  set -f
  IFS=$nl
  for each in $shown; do
    case $each in
      MainPID=*) pid=${each#*=} ;;
      NRestarts=*) restarts=${each#*=} ;;
      ActiveState=*) state=${each#*=} ;;
      ControlGroup=*) control_group=${each#*=} ;;
    esac
  done
  unset IFS
  set +f
  case $state in
    active) active=yes ;;
    ?*) active=no ;;
  esac
}

ask_upstart() {
  state=$(status "$job" 2>/dev/null) || state=
  state=${state#"$job "}
  case $state in
    *start/running*) active=yes ;;
    ?*) active=no ;;
  esac
  case $state in *'process '*) pid=${state##*process } ;; esac
  state=${state%%,*}
}

# A number that is no process, or none of a user's that we know, is a service that doesn't run.
ask_pid_file() {
  case $pidfile in /*) ;; *) pidfile=$root/$pidfile ;; esac
  pid=''
  { read -r pid _ <"$pidfile"; } 2>/dev/null
  is_number "$pid" && find_start "$pid" || pid=
  if [ -n "$pid" ]; then active=yes; else active=no; fi
}

# Several processes may have one name: the first one's number, the restarts of all, and the state of the worst.
ask_pm2() {
  told=$(pm2 jlist 2>/dev/null </dev/null | node -e '
    const text = require("fs").readFileSync(0, "utf8")
    const all = JSON.parse(text.slice(Math.max(0, text.search(/^\[/m))))
    const own = all.filter(({ name }) => name === process.argv[1])
    if (own.length === 0) process.exit(1)
    const states = own.map(({ pm2_env }) => pm2_env.status)
    const bad = states.find((state) => state === "errored") ?? states.find((state) => state !== "online")
    const restarts = own.reduce((sum, { pm2_env }) => sum + pm2_env.restart_time, 0)
    console.log(own[0].pid || 0, restarts, bad || "online")
  ' "$name" 2>/dev/null) || told=
  if [ -n "$told" ]; then
    pid=${told%% *} state=${told##* } restarts=${told#* }
    restarts=${restarts%% *}
  else
    pid=$(pm2 pid "$name" 2>/dev/null </dev/null | tail -n 1)
    case $pid in 0 | '') state= ;; *) state=online ;; esac
  fi
  if [ "$state" = online ]; then active=yes; else active=no; fi
}

tell_process() {
  find_start "$pid" || process_started=unknown
  fact_line started "$process_started"
  find_uptime "$pid"
  fact uptime "$uptime"
  cwd=$(cwd_of "$pid")
  fact_line cwd "${cwd:-unknown}"
  find_release_of "$cwd"
  [ -z "$in_release" ] || fact cwd-release "$in_release"
}

# Sets `uptime`: seconds since a process started, as `process_started` has it. The kernel counts in ticks since the host did.
find_uptime() {
  uptime_host=''
  read -r uptime_host _ 2>/dev/null </proc/uptime || :
  uptime_rate=$(getconf CLK_TCK 2>/dev/null)
  is_number "$uptime_rate" && [ "$uptime_rate" -gt 0 ] || uptime_rate=100
  if is_number "$process_started" && is_number "${uptime_host%%.*}"; then
    uptime=$((${uptime_host%%.*} - process_started / uptime_rate))
  else
    uptime=$(ps -o etimes= -p "$1" 2>/dev/null | tr -d ' ')
  fi
  # A container may count from its own start.
  is_number "$uptime" || uptime=unknown
}

cwd_of() {
  readlink "/proc/$1/cwd" 2>/dev/null || lsof -a -p "$1" -d cwd -Fn 2>/dev/null | sed -n 's/^n//p'
}

# Sets `in_release`: the release that a directory is in, or nothing.
find_release_of() {
  in_release=
  case $1 in
    "$root_real/releases/"*)
      in_release=${1#"$root_real/releases/"}
      in_release=${in_release%%[/ ]*}
      is_name "$in_release" || in_release=
      ;;
  esac
}

# Sets `listening` to yes, no or unknown, and `holders` to the processes that have the TCP port open, of those that we
# may look into.
find_holders() {
  holders='' listening=unknown
  port_hex=$(printf '%04X' "$1")
  if [ ! -r /proc/net/tcp ]; then
    holders=$(lsof -nP -iTCP:"$1" -sTCP:LISTEN -t 2>/dev/null | tr '\n' ' ')
    [ -z "$holders" ] || listening=yes
    return 0
  fi
  sockets=' '
  while read -r _ local _ socket_state _ _ _ _ _ inode _; do
    case $socket_state:$local in 0A:*:"$port_hex") sockets="$sockets$inode " ;; esac
  done <<END
$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)
END
  listening=no
  [ "$sockets" != ' ' ] || return 0
  listening=yes
  of=
  # shellcheck disable=SC2012
  holders=$(ls -l /proc/[0-9]*/fd 2>/dev/null | while read -r fd_line; do
    # Patterns in parentheses: not every shell finds the end of this otherwise.
    case $fd_line in
      (/proc/*/fd:) of=${fd_line#/proc/} of=${of%/fd:} ;;
      (*' -> socket:['*)
        inode=${fd_line##*'socket:['}
        case $sockets in (*" ${inode%]} "*) printf '%s ' "$of" ;; esac
        ;;
    esac
  done)
}

# Sets `listener`: one that runs another release, because it may be who answers; else one of the service; else the first
# that isn't the child of another. `belongs` is yes, no or unknown.
choose_listener() {
  listener='' belongs=unknown listener_release=''
  wanted=${current:--}
  for each in $holders; do
    of_service "$each"
    in_release=
    # The daemon of pm2 may have the port for its children, and lives where it was started first.
    [ "$service" = pm2 ] && is_below "$pid" "$each" || find_release_of "$(cwd_of "$each")"
    if [ -n "$in_release" ] && [ "$in_release" != "$wanted" ]; then
      listener=$each belongs=$answer listener_release=$in_release
      return 0
    fi
    if [ -z "$listener" ] || { [ "$belongs" != yes ] && { [ "$answer" = yes ] || is_below "$listener" "$each"; }; }; then
      listener=$each belongs=$answer listener_release=$in_release
    fi
  done
}

tell_listener() {
  fact listening "$listening"
  fact listener "${listener:-unknown}"
  [ -n "$listener" ] || return 0
  fact listener-belongs "$belongs"
  [ -z "$listener_release" ] || fact listener-release "$listener_release"
  { read -r comm <"/proc/$listener/comm"; } 2>/dev/null && fact_line listener-name "$comm"
}

# Sets `answer`: is the process the service's main process, below it, or in its control group?
of_service() {
  answer=unknown
  [ -d "/proc/$1" ] || return 0
  if [ -n "$pid" ] && { [ "$1" = "$pid" ] || is_below "$1" "$pid"; }; then
    answer=yes
  elif [ "$service" = pm2 ] && [ -n "$pid" ] && is_below "$pid" "$1"; then
    answer=yes
  elif [ -n "$control_group" ] && in_control_group "$1"; then
    answer=yes
  elif [ -n "$pid$control_group" ] && [ "$service" != command ]; then
    # Behind a restart command there may be processes that nobody tells us of.
    answer=no
  fi
}

in_control_group() {
  while read -r group; do
    case $group in *:"$control_group" | *:"$control_group"/*) return 0 ;; esac
  done 2>/dev/null <"/proc/$1/cgroup"
  return 1
}

# is_below CHILD PARENT: is the second an ancestor of the first?
is_below() {
  below=$1 steps=0
  [ -n "$1" ] && [ -n "$2" ] || return 1
  while [ "$steps" -lt 30 ] && is_number "$below" && [ "$below" -gt 1 ]; do
    { read -r stat_line <"/proc/$below/stat"; } 2>/dev/null || return 1
    stat_line=${stat_line##*) }
    stat_line=${stat_line#* }
    below=${stat_line%% *}
    [ "$below" != "$2" ] || return 0
    steps=$((steps + 1))
  done
  return 1
}
