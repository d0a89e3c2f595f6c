# --- Steps that hang ------------------------------------------------------------------------------------------------

# What moves or removes many files runs as this same program once more, in a session of its own, so that all of it can be ended: the
# host's lock is held by that one and its children, and is free when they are gone. It answers by itself, unless it
# had to be ended. `limit=0`: it is the one that does the work, or its caller has limits of its own.
supervise() {
  need_number limit "$limit"
  find_session
  [ "$limit" -gt 0 ] || return 0
  trap '' HUP PIPE
  exec 4<&0
  (
    trap - INT QUIT EXIT
    exec_in_session sh "$agent_file" "$nonce" "$verb" "$@" limit=0
  ) <&4 4<&- &
  worker=$!
  exec 4<&-
  # Waiting for the lock comes on top, and has its own end.
  watch_limit "$((limit + lock_wait))" "$worker"
  wait "$worker" 2>/dev/null
  worker_code=$?
  end_watch
  [ "$timed_out" = yes ] || {
    trap - EXIT
    exit "$worker_code"
  }
  tidy_up_after
  end 23 "not done after $limit s on the host, and ended there"
}

# What hung may hang again: this has a limit, too, and what it leaves is swept by the next step.
tidy_up_after() {
  case $verb in
    put | stage | delta) left=.deliver/incoming/$release.$id ;;
    *) left= ;;
  esac
  exec 3>/dev/null
  # shellcheck disable=SC2016
  run_limited 10 / sh -c '
    cd "$1" || exit 1
    printf "%s %s %s %s 23 not done after %s s, and ended\n" "$(date +%s)" "$2" "$3" "${4:--}" "$5" >>.deliver/journal
    [ -z "$6" ] || rm -rf "$6"
  ' sh "$root" "$fence" "$verb" "$release" "$limit" "$left"
  exec 3>&-
}

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
