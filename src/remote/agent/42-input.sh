# --- What is sent ---------------------------------------------------------------------------------------------------

# take_input FILE: what is sent becomes a file. A sender that is gone without saying so must not keep the lock: when nothing came for
# `idle` seconds, it is over. Sets `stalled` to yes or no.
take_input() {
  exec 4<&0
  cat <&4 >"$1" 2>/dev/null &
  taking=$!
  (
    trap - HUP PIPE EXIT
    # shellcheck disable=SC2016
    exec_in_session sh -c '
      every=$(($3 / 12 + 1)) quiet=0 before=
      while sleep "$every" && kill -s 0 "$2" 2>/dev/null; do
        now=$(ls -ln "$1")
        if [ "$now" = "$before" ]; then quiet=$((quiet + every)); else quiet=0 before=$now; fi
        [ "$quiet" -ge "$3" ] || continue
        trap "" TERM
        kill -s KILL "$2" && exit 7
        exit 0
      done
    ' sh "$1" "$taking" "$idle"
  ) </dev/null >/dev/null 2>&1 4<&- 9>&- &
  watcher=$!
  exec 4<&-
  wait "$taking" 2>/dev/null
  taken=$?
  end_watch
  stalled=$timed_out timed_out=no
  return "$taken"
}
