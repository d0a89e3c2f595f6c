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
  left=
  case $verb in put | stage | delta) is_name "$release" && is_name "$id" && left=.deliver/incoming/$release.$id ;; esac
  exec 3>/dev/null
  # shellcheck disable=SC2016
  run_limited 10 / sh -c '
    cd "$1" || exit 1
    printf "%s %s %s %s 23 not done after %s s, and ended\n" "$(date +%s)" "$2" "$3" "${4:--}" "$5" >>.deliver/journal
    [ -z "$6" ] || rm -rf "$6"
  ' sh "$root" "$fence" "$verb" "$release" "$limit" "$left"
  exec 3>&-
}

# The rest is read once, by the one that does the work.
case $verb in put | stage | delta | file | prune) supervise "$@" ;; esac

