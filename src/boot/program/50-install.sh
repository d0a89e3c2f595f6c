# --- Installing -----------------------------------------------------------------------------------------------------------

# 0: this server runs what the pointer names, or `fenced` is yes. 1: not yet, and `why` tells.
attempt() {
  read_pointer || return 1
  enter_root
  load_seen
  [ "$generation" -ge "$seen" ] ||
    no "the pointer is at generation $generation, and this server has had $seen: an old copy is refused. If the store was made anew, remove $root/.deliver/generation" || return 1
  fetch "$agent_key" "$work/agent" "$agent_size" "$agent_sha256" && make_root || return 1
  agent=$root/.deliver/$agent_file
  answer_of "$work/agent" install "file=$agent_file" "sha256=$agent_sha256" || return 1
  look || return 1
  if [ "$there" = yes ] && runs; then
    say "$release runs already"
    save_seen
    return 0
  fi
  id=boot-$nonce
  [ "$staged" = yes ] || put_release || fenced_out || return 1
  [ "$fenced" = yes ] || switch || fenced_out || return 1
  [ "$fenced" = no ] || return 0
  save_seen
  ask prune "fence=$fence" "keep=$keep" || say "old releases were not removed: $told"
  return 0
}

# A later deploy has been here, and this server is its business: fine when something runs, else it may have died on the way.
fenced_out() {
  [ "$code" = 12 ] || return 1
  said=$told
  look && [ -n "$current" ] && [ -z "$on_trial" ] && runs ||
    no "a later deploy is at work on this server, and nothing runs for good yet: $said" || return 1
  fenced=yes
  say "a later deploy than the pointer's decides what runs here: $said"
}

# Sets `there`: current is the release, for good, and its listing is the right one. `staged`: it is complete on this server.
look() {
  there=no staged=no
  ask probe || return 1
  on_trial=$(facts unconfirmed) current=$(facts current | sed -n 's/^release //p')
  case "$nl$(facts release)" in *"$nl$release $listing_sha256 "*) staged=yes ;; esac
  [ "$staged" != yes ] || [ "$current" != "$release" ] || [ -n "$on_trial" ] || there=yes
}

# Without a service there is nothing to run; where nobody can tell, a running server is left alone.
runs() {
  ask_with_service service ${check_port:+"port=$check_port"} || return 1
  case $(facts active) in yes) return 0 ;; no) return 1 ;; esac
  case " $service_words " in *' service=none '*) return 0 ;; esac
  [ "$command" = update ]
}

put_release() {
  say "fetching $release ($archive_size bytes)"
  fetch "$listing_key" "$work/listing" "$listing_size" "$listing_sha256" || return 1
  fetch "$archive_key" "$work/archive" "$archive_size" "$archive_sha256" || return 1
  for file in listing archive; do
    eval "size=\$${file}_size sha256=\$${file}_sha256"
    # shellcheck disable=SC2154
    ask put "fence=$fence" "release=$release" "id=$id" "name=$file" "size=$size" "sha256=$sha256" <"$work/$file" || return 1
  done
  ask stage "fence=$fence" "release=$release" "id=$id" "digest=$listing_sha256" "encoding=$encoding" "shared=$shared" "statement=$statement" "signature=$signature"
}

# Starts the release on trial; it stays when it proves healthy, and otherwise this server goes back.
switch() {
  say "starting $release"
  if ask_with_service activate "fence=$fence" "release=$release" "id=$id" "digest=$listing_sha256" "guard=$guard"; then
    settle && ask confirm "fence=$fence" "id=$id" via=deploy && return 0
  fi
  case $code in 16 | 17 | 0) ;; *) return 1 ;; esac
  failed=$why
  show_log
  ask_with_service revert "fence=$fence" "id=$id" mark-bad=0 || say "$why"
  code=16
  no "$release did not start: $failed"
}

show_log() {
  ask_with_service logs lines=30 || :
}

# --- Health ---------------------------------------------------------------------------------------------------------------

# Good answers in a row, from one process of this release, before the deadline.
settle() {
  streak=0 first='' end=$(($(now) + deadline))
  while :; do
    if healthy && same_process; then
      streak=$((streak + 1))
      [ "$streak" -gt 1 ] || streak_began=$(now)
      [ "$streak" -lt "$successes" ] || [ $(($(now) - streak_began)) -lt "$uptime" ] || return 0
    else
      streak=0
    fi
    if [ "$(now)" -ge "$end" ]; then
      code=0
      no "not healthy after $deadline s: $why"
      return 1
    fi
    sleep "$interval"
  done
}

healthy() {
  why='too few good answers in a row'
  case $check in
    http) healthy_http ;;
    command)
      ask run "timeout=$probe_timeout" dir=current "command=$check_command" && [ "$(facts exit)" = 0 ] ||
        no 'the health command failed'
      ;;
  esac
}

healthy_http() {
  command -v curl >/dev/null 2>&1 || return 0
  printf 'url = "%s"\n' "$check_url" >"$work/request"
  [ -z "$check_insecure" ] || printf 'insecure\n' >>"$work/request"
  rm -f "$work/healthy"
  status=$(curl -q -s --noproxy '*' -o "$work/healthy" -m "$probe_timeout" -w '%{http_code}' -K "$work/request" </dev/null)
  [ -z "$check_contains" ] || grep -qF -e "$check_contains" "$work/healthy" 2>/dev/null ||
    no "$check_url does not answer what it should" || return 1
  case $check_status,$status in
    any,[1-4]??) return 0 ;;
  esac
  case ,$check_status, in *",$status,"*) return 0 ;; esac
  no "$check_url answers ${status:-nothing}"
}

same_process() {
  ask_with_service service ${check_port:+"port=$check_port"} || return 1
  [ "$(facts active)" != no ] || no "the service is $(facts state)" || return 1
  [ "$check" != tcp ] || is_number "$(facts listener)" || no "nothing listens on port $check_port" || return 1
  process="$(facts pid) $(facts started) $(facts restarts)" in_release=$(facts cwd-release)
  [ -z "$in_release" ] || [ "$in_release" = "$release" ] || no "the process that answers runs $in_release" || return 1
  [ "$streak" -gt 0 ] || first=$process
  [ "$process" = "$first" ] || no 'the service restarted by itself'
}
