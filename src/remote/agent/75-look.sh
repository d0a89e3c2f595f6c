# --- Verbs: service, status, logs, run, journal ---------------------------------------------------------------------

tell_service() {
  user_bus
  state='' active=unknown pid='' restarts=''
  case $service in
    systemd) ask_systemd ;;
    upstart)
      state=$(status "$job" 2>/dev/null) || state=
      state=${state#"$job "}
      case $state in
        *start/running*) active=yes ;;
        ?*) active=no ;;
      esac
      case $state in *'process '*) pid=${state##*process } ;; esac
      state=${state%%,*}
      ;;
    pm2)
      pid=$(pm2 pid "$name" 2>/dev/null </dev/null | tail -n 1)
      case $pid in 0 | '') active=no pid='' ;; *) active=yes ;; esac
      ;;
  esac
  if [ -n "$port" ]; then
    listener=$(listener_of "$port")
    # A manager's main process may be the parent of the one that listens.
    [ -n "$pid" ] || pid=$listener
    [ -z "$listener" ] || [ "$active" != unknown ] || active=yes
    fact_line listener "${listener:-unknown}"
  fi
  is_number "$pid" && [ "$pid" -gt 0 ] || pid=
  fact active "$active"
  fact_line state "${state:-unknown}"
  fact pid "${pid:-unknown}"
  is_number "$restarts" || restarts=unknown
  fact restarts "$restarts"
  [ -z "$pid" ] || tell_process
}

ask_systemd() {
  shown=$(systemctl_shows show -p MainPID -p NRestarts -p ActiveState "$unit" 2>/dev/null)
  set -f
  IFS=$nl
  for each in $shown; do
    case $each in
      MainPID=*) pid=${each#*=} ;;
      NRestarts=*) restarts=${each#*=} ;;
      ActiveState=*) state=${each#*=} ;;
    esac
  done
  unset IFS
  set +f
  case $state in
    active) active=yes ;;
    ?*) active=no ;;
  esac
}

tell_process() {
  fact_line started "$(process_start "$pid" || echo unknown)"
  fact uptime "$(process_uptime "$pid")"
  cwd=$(readlink "/proc/$pid/cwd" 2>/dev/null) || cwd=
  [ -n "$cwd" ] || cwd=$(lsof -a -p "$pid" -d cwd -Fn 2>/dev/null | sed -n 's/^n//p')
  fact_line cwd "${cwd:-unknown}"
  case $cwd in
    "$root_real/releases/"*)
      cwd_release=${cwd#"$root_real/releases/"}
      cwd_release=${cwd_release%%[/ ]*}
      ! is_name "$cwd_release" || fact cwd-release "$cwd_release"
      ;;
  esac
}

# Seconds since a process started. The kernel counts in ticks since the host did.
process_uptime() {
  uptime_host=''
  uptime_ticks=$(process_start "$1") && read -r uptime_host _ </proc/uptime 2>/dev/null || uptime_ticks=
  uptime_rate=$(getconf CLK_TCK 2>/dev/null)
  is_number "$uptime_rate" && [ "$uptime_rate" -gt 0 ] || uptime_rate=100
  if is_number "$uptime_ticks" && is_number "${uptime_host%%.*}"; then
    uptime_seconds=$((${uptime_host%%.*} - uptime_ticks / uptime_rate))
  else
    uptime_seconds=$(ps -o etimes= -p "$1" 2>/dev/null | tr -d ' ')
  fi
  # A container may count from its own start.
  is_number "$uptime_seconds" || uptime_seconds=unknown
  printf '%s' "$uptime_seconds"
}

# The process that listens on a TCP port, of those that we may look into.
listener_of() {
  port_hex=$(printf '%04X' "$1")
  if [ ! -r /proc/net/tcp ]; then
    lsof -nP -iTCP:"$1" -sTCP:LISTEN -t 2>/dev/null | head -n 1
    return
  fi
  sockets=' '
  while read -r _ local _ socket_state _ _ _ _ _ inode _; do
    case $socket_state:$local in 0A:*:"$port_hex") sockets="$sockets$inode " ;; esac
  done <<END
$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)
END
  [ "$sockets" != ' ' ] || return 0
  of=
  # shellcheck disable=SC2012
  ls -l /proc/[0-9]*/fd 2>/dev/null | while read -r fd_line; do
    case $fd_line in
      /proc/*/fd:) of=${fd_line#/proc/} of=${of%/fd:} ;;
      *' -> socket:['*)
        inode=${fd_line##*'socket:['}
        case $sockets in *" ${inode%]} "*)
          echo "$of"
          break
          ;;
        esac
        ;;
    esac
  done
}

do_service() {
  need_service
  [ -z "$port" ] || need_number port "$port"
  look
  tell_service
  end 0 told
}

do_status() {
  need_service
  [ -z "$port" ] || need_number port "$port"
  look
  fact_line path "$root"
  tell_state
  [ -z "$current" ] || fact previous-good "$(previous_good)"
  [ "$in_path" = no ] || tell_releases
  tell_service
  end 0 told
}

do_logs() {
  need_number lines "$lines"
  need_service
  look
  user_bus
  if [ -n "$logfile" ]; then
    case $logfile in /*) ;; *) logfile=$root/$logfile ;; esac
    tail -n "$lines" "$logfile" 2>/dev/null || end 11 "$logfile can't be read"
    end 0 told
  fi
  case $service in
    systemd)
      if [ "$user" = 1 ]; then
        journalctl --user --no-pager -o short-iso -n "$lines" -u "$unit" 2>/dev/null || end 11 'the journal of this user can not be read'
      else
        # A service that runs as this user may write to a journal of this user's own, so the attempt decides.
        told=$(journalctl -q --no-pager -o short-iso -n "$lines" -u "$unit" 2>/dev/null)
        [ -n "$told" ] || may_read_journal ||
          end 11 "$(id -un) may not read the journal. Allow it: sudo usermod -aG systemd-journal $(id -un)"
        printf '%s\n' "$told"
      fi
      ;;
    upstart) tail -n "$lines" "/var/log/upstart/$job.log" 2>/dev/null || end 11 "/var/log/upstart/$job.log can't be read" ;;
    pm2)
      for each in "${PM2_HOME:-$HOME/.pm2}/logs/$name-error"*.log "${PM2_HOME:-$HOME/.pm2}/logs/$name-out"*.log; do
        [ -f "$each" ] && tail -n "$lines" "$each"
      done
      ;;
    command) [ -f .deliver/restart.log ] && tail -n "$lines" .deliver/restart.log ;;
  esac
  end 0 told
}

# Without the right to the system's journal, journalctl shows nothing and ends well.
may_read_journal() {
  [ "$(id -u)" != 0 ] || return 0
  for each in /var/log/journal /run/log/journal; do
    for journal_file in "$each"/*/system.journal; do [ -r "$journal_file" ] && return 0; done
  done
  return 1
}

# The arguments of the call; env.NAME=VALUE are the command's environment.
do_run() {
  need_number timeout "$timeout"
  look
  find_session
  find_run_directory
  for argument in "$@"; do
    shift
    case $argument in env.*) set -- "$@" "${argument#env.}" ;; esac
  done
  DELIVER_RELEASE=$current DELIVER_PATH=$root
  export DELIVER_RELEASE DELIVER_PATH
  exec 3>&1
  run_limited "$timeout" "$run_in" env "$@" sh -c "$command"
  exec 3>&-
  [ "$timed_out" = no ] || end 0 "not done after $timeout s, and killed"
  printf '\n'
  fact exit "$limited_code"
  end 0 ran
}

find_run_directory() {
  case $dir in
    current) run_in=$root/current ;;
    release)
      need_name release "$release"
      [ "$in_path" = yes ] && digest_of "$release" >/dev/null || end 19 "releases/$release is not on this host"
      run_in=$root/releases/$release
      ;;
    home) run_in=$HOME ;;
    /*) run_in=$dir ;;
    *) bad_call "dir $dir" ;;
  esac
  [ -d "$run_in" ] || end 11 "$run_in is no directory"
}

do_journal() {
  need_number n "$n"
  look
  if [ "$in_path" = yes ]; then
    tail -n "$n" .deliver/journal 2>/dev/null | while IFS= read -r each; do fact_line journal "$each"; done
  fi
  end 0 told
}

