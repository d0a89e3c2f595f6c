# --- Verb: prune ----------------------------------------------------------------------------------------------------

do_prune() {
  need_number keep "$keep"
  begin_mutation
  need_own_current
  forget_gone
  kept="$current $trial_release $trial_previous $(printf '%s' "$protect" | tr ',' ' ')"
  find_previous_good
  kept="$kept $(newest_good "$keep") $previous_good $(staged_since_confirm)"
  in_use=$(releases_in_use)
  # Who prepares the next release also does the removing, when nobody waits.
  if may_prepare; then later=yes; else later=no; fi
  for place in releases/*; do
    each=${place#releases/}
    is_name "$each" && [ -d "$place" ] && [ ! -L "$place" ] && find_digest "$each" || continue
    has_word "$each" "$kept" && continue
    if has_word "$each" "$in_use"; then
      log "$each stays: a process still runs from it"
      continue
    fi
    [ "$later" = yes ] || remember_current
    remove_release "$each"
  done
  sweep_incoming ''
  for place in .deliver/agent-*.sh .deliver/manifests/*; do
    case $place in
      # The guard of a switch on trial needs the agent that made the switch.
      */agent-*.sh) [ -n "$on_trial" ] || [ "${place##*/}" = "${agent_file##*/}" ] || rm -f "$place" ;;
      *) [ -d "releases/${place##*/}" ] || rm -rf "$place" ;;
    esac
  done
  find .deliver/migrations -type f -mtime +730 -exec rm -f {} + 2>/dev/null
  tail -n 500 .deliver/journal >".deliver/new.$nonce" 2>/dev/null && mv -f ".deliver/new.$nonce" .deliver/journal
  if [ "$later" = yes ]; then
    start_preparing
  else
    put_away_prepared
    empty_trash || log "some of $root/.deliver/trash could not be removed"
    [ -z "$scratch" ] || take_snapshot "$current" "$scratch/trusted" 2>/dev/null
  fi
  # Trials of calls that were killed, by age: those of today may be under way.
  find . .deliver -maxdepth 1 -name '.deliver-*' -mtime +0 -exec rm -rf {} + 2>/dev/null
  end 0 pruned
}

# What is removed may share files with the release that runs, the likely base of the next delta: see 62-snapshot.sh.
remember_current() {
  [ -z "$scratch" ] && [ -f ".deliver/manifests/$current/snapshot" ] && find_quick || return 0
  scratch=.deliver/known.$nonce
  mkdir "$scratch" && trust "$current" >"$scratch/trusted" 2>/dev/null || scratch=
}

# A prune that was killed may have taken a release away and not said so yet.
forget_gone() {
  for each in $good $bad; do
    find_digest "$each" || {
      good=$(without "$each" "$good") bad=$(without "$each" "$bad")
      forgotten=yes
    }
  done
  [ "${forgotten:-no}" = no ] || save_state
}

remove_release() {
  if has_word "$1" "$bad"; then
    because='it failed'
  elif has_word "$1" "$good"; then
    because="older than the $keep newest"
  else
    because='never confirmed'
  fi
  # Out of the way in one step: a release that is being deleted is not a release.
  if mv "releases/$1" ".deliver/trash/$1.$nonce" 2>/dev/null; then
    rm -rf ".deliver/manifests/$1" "shared/.releases/$1"
    good=$(without "$1" "$good") bad=$(without "$1" "$bad")
    save_state
    fact removed "$1 $because"
  else
    log "releases/$1 could not be moved away"
  fi
}

empty_trash() {
  rm -rf .deliver/trash/* 2>/dev/null && return 0
  chmod -R u+rwX .deliver/trash 2>/dev/null
  rm -rf .deliver/trash/* 2>/dev/null
}

newest_good() {
  # shellcheck disable=SC2086
  printf '%s\n' $good | tail -n "$1" | tr '\n' ' '
}

# What was staged after the last confirmed switch may be about to be activated. By the journal's order: clocks jump.
staged_since_confirm() {
  since=
  while read -r _ _ did what code _; do
    [ "$code" = 0 ] || continue
    case $did in
      stage | delta) since="$since $what" ;;
      confirm) since= ;;
    esac
  done 2>/dev/null <.deliver/journal
  printf '%s' "$since"
}

# Releases that are the directory or the program of a live process.
releases_in_use() {
  # shellcheck disable=SC2012 # one ls instead of thousands of readlinks; only our own names are looked for
  ls -l /proc/[0-9]*/cwd /proc/[0-9]*/exe 2>/dev/null | while read -r used_line; do
    case $used_line in
      *" -> $root_real/releases/"*)
        used=${used_line##*" -> $root_real/releases/"}
        printf '%s ' "${used%%[/ ]*}"
        ;;
    esac
  done
}

