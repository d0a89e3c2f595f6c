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
