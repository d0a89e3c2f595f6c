# --- Service --------------------------------------------------------------------------------------------------------

# Prints `sudo -n` and nothing else where root is needed and we aren't: sudoers may allow exactly that one command line.
as_root() {
  is_root || printf 'sudo -n'
}

# control_service restart|stop LIMIT: sets `control_failed` to a text, or to nothing.
control_service() {
  action=$1 control_limit=$2
  control_failed='' timed_out=no control_directory=$root
  user_bus
  sudo=$(as_root)
  # shellcheck disable=SC2086,SC2016 # $sudo is a command and its option, or nothing
  case $service in
    none) return 0 ;;
    systemd)
      if [ "$user" = 1 ]; then set -- systemctl --user "$action" "$unit"; else set -- $sudo systemctl "$action" "$unit"; fi
      ;;
    upstart)
      if [ "$action" = stop ]; then
        set -- $sudo stop "$job"
      else
        set -- sh -c '$1 restart "$2" || $1 start "$2"' sh "$sudo" "$job"
      fi
      ;;
    pm2)
      if [ "$action" = stop ]; then
        set -- pm2 stop "$name"
      elif pm2 describe "$name" >/dev/null 2>&1 9>&- </dev/null; then
        set -- pm2 reload "$name" --update-env
      elif [ -n "$start" ]; then
        # By the path through `current`: pm2 remembers it, and must find the next release there.
        case $start in
          *.json | *.yml | *.yaml | *.config.js | *.config.cjs | *.config.mjs)
            set -- pm2 start "$root/current/$start" --only "$name" --cwd "$root/current"
            ;;
          *) set -- pm2 start "$root/current/$start" --name "$name" --cwd "$root/current" ;;
        esac
      else
        control_failed="pm2 doesn't know \"$name\". Start it once, or say in the config how to start it"
        return 1
      fi
      ;;
    command)
      if [ "$action" = stop ]; then
        [ -n "$stop" ] || return 0
        set -- sh -c "$stop"
      else
        control_directory=$root/current
        set -- sh -c "$restart"
      fi
      ;;
  esac
  # A new file each time: what the command leaves running may write to the old one for ever.
  [ "$action" != restart ] || note_restart
  rm -f .deliver/restart.log
  (: >.deliver/restart.log) 2>/dev/null || write_failed restart.log
  exec 3>>.deliver/restart.log
  started=$(date +%s)
  note_failed
  DELIVER_RELEASE=$current DELIVER_PATH=$root
  export DELIVER_RELEASE DELIVER_PATH
  run_limited "$control_limit" "$control_directory" "$@"
  while [ "$limited_code" -ne 0 ] && [ "$timed_out" = no ] && may_start_later; do
    sleep 1
    run_limited "$((control_limit - waited))" "$control_directory" "$@"
  done
  exec 3>&-
  fact duration "$(($(date +%s) - started))"
  if [ "$timed_out" = yes ]; then
    control_failed="not done after $control_limit s, and killed"
  elif [ "$limited_code" -ne 0 ]; then
    control_failed="exit code $limited_code$(sudo_fix "$@")"
  elif [ "$service" = systemd ] && [ "$action" = restart ]; then
    check_active
  fi
  [ -z "$control_failed" ]
}

# A release that crashes in a loop brings its unit to refuse every start for a while (StartLimitIntervalSec, 10 s by default), also that
# of the release that we go back to. Neither its exit code nor its message tells this from other failures, so a unit that had
# failed before we came, or that says so now, is tried again for that long. Clearing the limit needs a right that sudoers may not give.
may_start_later() {
  [ "$service" = systemd ] && [ "$action" = restart ] || return 1
  [ "$had_failed" = yes ] || is_start_limited || ended_meanwhile || return 1
  [ -n "$sudo" ] && [ "$user" != 1 ] || systemctl_shows reset-failed "$unit" >/dev/null 2>&1
  [ -n "$start_interval" ] || find_start_interval
  waited=$(($(date +%s) - started))
  [ "$waited" -lt "$((control_limit - 1))" ] && [ "$waited" -le "$start_interval" ]
}

# A release that crashes may end by itself while it is being stopped, and the whole restart then counts as failed. A unit of Type=simple whose
# result is that of a process has not had a start of ours fail, unless by ExecStartPre: it is tried once more, no matter which.
ended_meanwhile() {
  [ "$tried_again" = no ] || return 1
  [ "$(systemctl_shows show -p Type "$unit" 2>/dev/null)" = Type=simple ] || return 1
  case $(systemctl_shows show -p Result "$unit" 2>/dev/null) in
    Result=exit-code | Result=signal | Result=core-dump) tried_again=yes ;;
    *) return 1 ;;
  esac
}

# systemd before 230 calls it start-limit.
is_start_limited() {
  case $(systemctl_shows show -p Result "$unit" 2>/dev/null) in Result=start-limit*) ;; *) return 1 ;; esac
}

# Before a restart: whether the unit has failed.
note_failed() {
  had_failed=no start_interval='' tried_again=no
  [ "$service" = systemd ] && [ "$(systemctl_shows is-failed "$unit" 2>/dev/null)" = failed ] || return 0
  had_failed=yes
}

# The seconds that the unit may refuse starts for.
find_start_interval() {
  shown=$(systemctl_shows show -p StartLimitIntervalUSec "$unit" 2>/dev/null)
  shown=${shown#*=}
  start_interval=1
  for each in $shown; do
    case $each in
      *ms | *us) ;;
      *min) is_number "${each%min}" && start_interval=$((start_interval + ${each%min} * 60)) ;;
      *h) is_number "${each%h}" && start_interval=$((start_interval + ${each%h} * 3600)) ;;
      *s) each=${each%%.*} && is_number "${each%s}" && start_interval=$((start_interval + ${each%s} + 1)) ;;
    esac
  done
  [ "$start_interval" -gt 1 ] || start_interval=12
}

# A unit of Type=simple counts as started when its process exists; it may be gone by now.
check_active() {
  active_state=$(systemctl_shows is-active "$unit" 2>/dev/null)
  case $active_state in
    active | activating | reloading) ;;
    *) control_failed="$unit is ${active_state:-in an unknown state} after the restart" ;;
  esac
  [ "$(systemctl_shows show -p SubState "$unit" 2>/dev/null)" != SubState=auto-restart ] ||
    control_failed="$unit ended right after its start"
}

# Whether sudo lets us is asked of sudo, not read from its message.
sudo_fix() {
  [ "$1" = sudo ] || return 0
  shift 2
  sudo -n -l "$@" >/dev/null 2>&1 && return 0
  command -v sudo >/dev/null 2>&1 || {
    printf ': there is no sudo on this host'
    return 0
  }
  sudo_command=$(command -v "$1")
  shift
  printf ': sudo does not allow it without a password. Add with visudo: %s ALL=(root) NOPASSWD: %s' "$(id -un)" "$sudo_command $*"
}

# Restarts, and ends the call with 16 or 17 when that fails. The switch stays as it is.
restart_or_end() {
  if control_service restart "$restart_timeout"; then
    [ "$service" = none ] && fact restarted no || fact restarted yes
    return 0
  fi
  fact restarted no
  tail -n "$log_lines" .deliver/restart.log 2>/dev/null
  [ "$service$logfile" = command ] || tell_log "$log_lines"
  [ "$timed_out" = no ] || end 17 "the restart timed out: $control_failed"
  end 16 "the restart failed: $control_failed"
}

# Before a restart: where its part of each log begins.
note_restart() {
  {
    echo "time $(date +%s)"
    log_files | while IFS= read -r each; do
      case $each in */.deliver/restart.log) continue ;; esac
      [ ! -f "$each" ] || printf 'log %s %s\n' "$(size_of "$each")" "$each"
    done
  } 2>/dev/null >.deliver/restarted
}

