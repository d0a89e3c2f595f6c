# --- The service's log ----------------------------------------------------------------------------------------------

# Files that the service logs to, a line each.
log_files() {
  if [ -n "$logfile" ]; then
    case $logfile in /*) printf '%s\n' "$logfile" ;; *) printf '%s\n' "$root/$logfile" ;; esac
    return 0
  fi
  case $service in
    upstart) printf '%s\n' "/var/log/upstart/$job.log" ;;
    pm2)
      for each in "${PM2_HOME:-$HOME/.pm2}/logs/$name-error"*.log "${PM2_HOME:-$HOME/.pm2}/logs/$name-out"*.log; do
        [ ! -f "$each" ] || printf '%s\n' "$each"
      done
      ;;
    command) [ ! -f "$root/.deliver/restart.log" ] || printf '%s\n' "$root/.deliver/restart.log" ;;
  esac
}

size_of() {
  stat -c %s "$1" 2>/dev/null || wc -c <"$1" 2>/dev/null | tr -d ' '
}

# tell_log LINES: the last lines since the last restart, without those of the release before it. Sets `log_failed`.
tell_log() {
  log_failed=''
  since=$(sed -n 's/^time //p' .deliver/restarted 2>/dev/null)
  is_number "$since" || since=''
  if [ "$service" = systemd ] && [ -z "$logfile" ]; then
    tell_journal "$1" || return 1
  else
    # Not in a pipe: what fails must be known here.
    files=$(log_files)
    set -f
    IFS=$nl
    for each in $files; do
      unset IFS
      set +f
      tell_file "$each" "$1" || log_failed="$each can't be read"
    done
    unset IFS
    set +f
  fi
  [ -z "$log_failed" ]
}

# tell_file FILE LINES. A file that is shorter than it was has been rotated, and is all new.
tell_file() {
  file_size=$(size_of "$1")
  is_number "$file_size" || return 1
  [ -r "$1" ] || return 1
  size_before=''
  while read -r mark size_then path_then; do
    [ "$mark" = log ] && [ "$path_then" = "$1" ] && size_before=$size_then
  done 2>/dev/null <.deliver/restarted
  if is_number "$size_before" && [ "$size_before" -le "$file_size" ]; then
    file_new=$((file_size - size_before))
    [ "$file_new" -le 1048576 ] || file_new=1048576
    tail -c "$file_new" "$1" 2>/dev/null | tail -n "$2"
  else
    tail -n "$2" "$1" 2>/dev/null
  fi
}

tell_journal() {
  if [ "$user" = 1 ]; then set -- "$1" --user; else set -- "$1" -q; fi
  if told=$(journalctl "$2" --no-pager -o short-iso -n "$1" ${since:+"--since=@$since"} -u "$unit" 2>/dev/null); then :; else
    log_failed='the journal can not be read'
    return 1
  fi
  # A service that runs as this user may write to a journal of this user's own, so the attempt decides.
  if [ -z "$told" ] && [ "$user" != 1 ] && ! may_read_journal; then
    log_failed="$(id -un) may not read the journal. Allow it: sudo usermod -aG systemd-journal $(id -un)"
    return 1
  fi
  case $told in
    '' | '-- No entries --') [ -z "$since" ] || echo 'no lines in the journal since the restart' ;;
    *) printf '%s\n' "$told" ;;
  esac
}

# Without the right to the system's journal, journalctl shows nothing and ends well.
may_read_journal() {
  ! is_root || return 0
  for each in /var/log/journal /run/log/journal; do
    for journal_file in "$each"/*/system.journal; do [ -r "$journal_file" ] && return 0; done
  done
  return 1
}
