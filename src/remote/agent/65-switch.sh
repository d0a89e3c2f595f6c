# --- Verbs: activate, confirm, revert, guard ------------------------------------------------------------------------

do_activate() {
  need_name release "$release"
  need_name id "$id"
  need_sha256 digest "$digest"
  need_number guard "$guard"
  need_number restart-timeout "$restart_timeout"
  need_number log-lines "$log_lines"
  need_service
  begin_mutation
  refuse_late
  find_session
  find_digest "$release" || end 19 "releases/$release is not on this host"
  [ "$digest_there" = "$digest" ] || end 11 "releases/$release has other content (digest $digest_there, wanted $digest)"
  need_own_current
  [ "$current" = "$release" ] || check_signed_release
  refuse_altered
  if [ "$on_trial" = "$id" ] && [ "$trial_release" = "$release" ]; then
    previous=$trial_previous
    end_if_activated
  else
    note_previous
    [ "$guard" -eq 0 ] || prepare_boot_guard
    on_trial=$id trial_release=$release trial_previous=$previous
    save_state
    # The guard stands before the switch: there is no moment in which nobody would go back.
    [ "$guard" -eq 0 ] || start_guard
  fi
  fact previous "$previous"
  [ "$current" = "$release" ] || switch_to "$release"
  restart_or_end
  end 0 "$(activated)"
}

activated() {
  printf 'activated %s (%s)' "$release" "$id"
}

# The same call, heard a second time: what it restarts serves by now.
end_if_activated() {
  [ "$current" = "$release" ] && grep -qF " $fence activate $release 0 $(activated)" .deliver/journal 2>/dev/null || return 0
  fact previous "$previous"
  fact already yes
  end 0 "$(activated)"
}

# A call can arrive long after its deploy has given it up, and sent it again, gone back or gone on: on a host that was frozen.
refuse_late() {
  [ "$withdrawn" != "$id $release" ] || end 18 "switch $id to $release was withdrawn"
  [ "$confirmed" != "$id $release" ] || end 18 "switch $id to $release was confirmed already"
  case "$reverted " in "$id $release "*) end 18 "switch $id to $release was undone already" ;; esac
}

# A release that never ran here must be what was staged. One that did is better to go back to than what is left for it, even so.
refuse_altered() {
  if has_word "$release" "$good" || [ "$current" = "$release" ]; then
    find_altered "$release" some
    [ -n "$altered" ] || altered=$(find_lost "$release")
    [ -z "$altered" ] || fact_line altered "${altered#./}"
    return 0
  fi
  find_altered "$release" all
  # It is once only that nothing was linked to its files since.
  rm -f ".deliver/manifests/$release/look"
  [ -n "$altered" ] || return 0
  put_away_release
  end 15 "$release was changed on this host after it was staged: $altered. Does the app write to its own files, or to those of releases that share them? Deploy again"
}

# What a revert goes back to: the last release that was confirmed or at least not on trial, and is still there.
note_previous() {
  previous=$current
  [ -z "$on_trial" ] || previous=$trial_previous
  [ "$previous" != - ] || return 0
  find_digest "$previous" && return 0
  unproved=$previous previous=-
  for each in $good; do
    [ "$each" != "$release" ] && find_digest "$each" && previous=$each
  done
  # What nothing is known of is better than nothing: it serves.
  [ "$previous" != - ] || ! is_there "$unproved" || previous=$unproved
}

is_there() {
  [ -d "releases/$1" ] && [ ! -L "releases/$1" ]
}

start_guard() {
  (
    trap - PIPE INT QUIT EXIT
    exec_in_session sh "$agent_file" "$nonce" guard "path=$root" "id=$id" "guard=$guard" "fence=$fence" "service=$service" \
      "unit=$unit" "user=$user" "job=$job" "name=$name" "start=$start" "restart=$restart" "stop=$stop" \
      "restart-timeout=$restart_timeout"
  ) </dev/null >/dev/null 2>&1 3>&- 9>&- &
  fact guard "$!"
}

# Sleeps are counted instead of looking at the clock, which may be set meanwhile.
do_guard() {
  trap '' HUP PIPE
  cd "$root" || exit 1
  guarded=0
  while [ "$guarded" -lt "$guard" ]; do
    sleep 1
    guarded=$((guarded + 1))
    load_state
    [ "$on_trial" = "$id" ] || exit 0
  done
  enter_layout
  lock_wait=86400
  take_lock
  load_state
  [ "$on_trial" = "$id" ] || end 0 'nothing to do'
  journaled=yes
  find_rename .deliver || end 11 'no atomic rename'
  find_session
  go_back
}

do_confirm() {
  need_name id "$id"
  case $via_wanted in deploy | rollback) ;; *) bad_call 'via is not deploy or rollback' ;; esac
  [ -z "$mark_bad" ] || need_name mark-bad "$mark_bad"
  begin_mutation
  read_current
  if [ "$on_trial" != "$id" ]; then
    if [ "$confirmed" = "$id $current" ] && [ -z "$on_trial" ]; then
      fact already yes
      tell_state
      end 0 'already confirmed'
    fi
    end 18 "this host is not on trial with $id: ${on_trial:-nothing} is; it runs ${current:-$current_what}"
  fi
  release=$trial_release
  [ "$current" = "$trial_release" ] || end 18 "current is ${current:-$current_what}, not $trial_release"
  find_digest "$current" || end 19 "releases/$current is not complete"
  good="$(without "$current" "$good") $current"
  bad=$(without "$current" "$bad")
  [ -z "$mark_bad" ] || [ "$mark_bad" = "$current" ] || mark_bad "$mark_bad"
  confirmed="$id $current" via=$via_wanted
  on_trial=
  save_state
  # As it is on the disk now.
  load_state
  read_current
  tell_state
  end 0 "confirmed $current"
}

# The switch with that id shall not happen any more, nor restart anything, should its call still be under way. One that has happened
# is for `confirm` or `revert`.
do_withdraw() {
  need_name id "$id"
  need_name release "$release"
  begin_mutation
  read_current
  if [ "$withdrawn" != "$id $release" ]; then
    withdrawn="$id $release"
    save_state
  fi
  tell_state
  end 0 "withdrawn, unless it has happened"
}

do_revert() {
  need_name id "$id"
  need_number restart-timeout "$restart_timeout"
  need_number log-lines "$log_lines"
  need_service
  begin_mutation
  find_session
  read_current
  if [ "$on_trial" != "$id" ]; then
    case $reverted in
      "$id "*)
        if [ "$current" = "${reverted##* }" ] && [ -z "$on_trial" ]; then
          fact previous "$current"
          fact already yes
          end 0 'already reverted'
        fi
        ;;
    esac
    end 18 "this host is not on trial with $id: ${on_trial:-nothing} is; it runs ${current:-$current_what}"
  fi
  go_back
}

# From the switch on trial to what ran before it. It stays on trial until the service runs, so that going back can be repeated.
go_back() {
  need_own_current
  release=$trial_release
  fact previous "$trial_previous"
  if [ "$trial_previous" = - ]; then
    control_service stop "$restart_timeout" || log "the service could not be stopped: $control_failed"
  else
    is_there "$trial_previous" || end 19 "releases/$trial_previous, to go back to, is not on this host"
  fi
  if [ "$mark_bad" = 1 ] && [ "$trial_release" != "$trial_previous" ]; then
    mark_bad "$trial_release"
    save_state
  fi
  [ "$current" = "$trial_previous" ] || switch_to "$trial_previous"
  [ "$trial_previous" = - ] || restart_or_end
  reverted="$on_trial $trial_release $trial_previous"
  on_trial=
  save_state
  [ "$current" != - ] || end 0 'no release: nothing ran here before'
  end 0 "back to $current"
}

