# What the login had, for what is run on behalf of people.
login_umask=$(umask)
umask 022

# --- What the probe told, and sessions ------------------------------------------------------------------------------

# The probe's answer of a moment ago comes back with the calls that follow it: `known` has its tools, with commas around. What
# isn't in it is tried. It saves each of these calls some thirty processes.
is_known() {
  case $known in *",$1,"*) return 0 ;; esac
  return 1
}

# Sets `session_with`: how a child gets its own session and process group, so that all of it can be killed, and nothing
# that is sent to ours reaches it.
find_session() {
  if is_known session:setsid || setsid true 2>/dev/null; then
    session_with=setsid
  elif perl -e 'use POSIX; exit 0' 2>/dev/null; then
    session_with=perl
  elif python3 -c 'import os' 2>/dev/null; then
    session_with=python3
  else
    session_with=
  fi
}

# Replaces this (sub)shell.
exec_in_session() {
  case $session_with in
    setsid) exec setsid "$@" ;;
    perl) exec perl -e 'use POSIX; setsid(); exec { $ARGV[0] } @ARGV; exit 127' -- "$@" ;;
    python3) exec python3 -c 'import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])' "$@" ;;
    *) exec "$@" ;;
  esac
}

# --- Time limits ----------------------------------------------------------------------------------------------------

# run_limited SECONDS DIRECTORY COMMAND... : with the call's `variables`, in a session of its own, output to fd 3. At the limit TERM for all of its process
# group, ten seconds later KILL; the limit holds even when this program is killed. Sets `limited_code`, and
# `timed_out` to yes or no. Background processes that the command leaves are not waited for, and hold nothing of ours.
run_limited() {
  limit_seconds=$1 limit_directory=$2
  shift 2
  (
    trap - HUP PIPE INT QUIT EXIT
    unset LC_ALL
    # shellcheck disable=SC2016
    exec_in_session sh -c '
      umask "$1"; cd "$2" || exit 1
      deliver_index=0
      for deliver_name in $3; do
        if (eval "$deliver_name=") 2>/dev/null; then
          eval "$deliver_name=\$DELIVER_ENV_$deliver_index"
          export "$deliver_name"
        fi
        unset "DELIVER_ENV_$deliver_index"
        deliver_index=$((deliver_index + 1))
      done
      shift 3; exec "$@"
    ' sh "$login_umask" "$limit_directory" "$variables" "$@"
  ) </dev/null >&3 2>&3 3>&- 9>&- &
  limited=$!
  # Whoever comes after this program was killed can tell whether the command still runs.
  if [ -n "$limited_note" ]; then
    find_start "$limited" || process_started=unknown
    printf 'begun %s %s\n' "$limited" "$process_started" >"$limited_note"
  fi 2>/dev/null
  watch_limit "$limit_seconds" "$limited"
  wait "$limited" 2>/dev/null
  limited_code=$?
  end_watch
}

# watch_limit SECONDS PID: a watcher that ends the process, or the session that it leads, when its time is up. It goes when the process
# has gone: if this program was killed, a number that somebody else has by then must not be signalled.
watch_limit() {
  (
    trap - HUP PIPE EXIT
    # shellcheck disable=SC2016
    exec_in_session sh -c '
      left=$1
      while [ "$left" -gt 0 ]; do
        if [ "$left" -gt 5 ]; then step=5; else step=$left; fi
        sleep "$step" && kill -s 0 "$2" 2>/dev/null || exit 0
        left=$((left - step))
      done
      trap "" TERM
      kill -s TERM -- "-$2" 2>/dev/null || kill -s TERM "$2"
      left=50
      while [ "$left" -gt 0 ] && { kill -s 0 -- "-$2" || kill -s 0 "$2"; } 2>/dev/null; do
        sleep 0.2 2>/dev/null || { sleep 1; left=$((left - 4)); }
        left=$((left - 1))
      done
      kill -s KILL -- "-$2" 2>/dev/null || kill -s KILL "$2"
      exit 7
    ' sh "$1" "$2"
  ) </dev/null >/dev/null 2>&1 3>&- 4<&- 9>&- &
  watcher=$!
}

# Sets `timed_out`. The watcher needs no time limit: it only sleeps and kills.
end_watch() {
  kill -s TERM -- "-$watcher" 2>/dev/null || kill -s TERM "$watcher" 2>/dev/null
  wait "$watcher" 2>/dev/null
  if [ $? -eq 7 ]; then timed_out=yes; else timed_out=no; fi
}

