# --- Lock and fence -------------------------------------------------------------------------------------------------

take_lock() {
  if flock_works .deliver; then
    (: >>.deliver/lock) 2>/dev/null || end 11 "$root/.deliver/lock can't be written: it belongs to $(owner_of .deliver/lock)"
    exec 9>>.deliver/lock
    lock_attempt() { flock -n 9; }
    lock_kind='flock'
  else
    lock_attempt() { link_lock; }
    lock_kind='link'
  fi
  lock_tries=0
  until lock_attempt; do
    # A fifth of a second each; where sleep takes whole seconds only, the wait is longer, and still ends.
    if [ "$lock_tries" -ge $((lock_wait * 5)) ]; then
      lock_kind=
      end 13 "busy: another step holds this host's lock ($(cat .deliver/lock-holder 2>/dev/null))"
    fi
    lock_tries=$((lock_tries + 1))
    nap
  done
  printf '%s\n' "pid $$, $verb ${release:-}, fence ${fence:-0}" 2>/dev/null >.deliver/lock-holder
  # Left by calls that were killed; whoever has the lock is alone. Not what is tried without the lock: somebody may be at it.
  for place in .deliver/current.* .deliver/new.* .deliver/known.* .deliver/room.* .deliver/.deliver-rename.*; do
    if [ -e "$place" ] || [ -L "$place" ]; then rm -rf "$place" 2>/dev/null; fi
  done
}

release_lock() {
  case $lock_kind in
    flock) exec 9>&- ;;
    link) [ "$(readlink .deliver/lock-link 2>/dev/null)" != "$lock_mine" ] || rm -f .deliver/lock-link ;;
  esac
  lock_kind=
}

# Without flock: a link is made or not, in one step, with its owner as its target. The link of a dead owner is taken away
# by one process at a time, so that none takes away the link of its successor.
link_lock() {
  find_start $$ || process_started=unknown
  lock_mine=$$.$process_started
  ln -s "$lock_mine" .deliver/lock-link 2>/dev/null && return 0
  lock_owner=$(readlink .deliver/lock-link 2>/dev/null) || return 1
  is_alive "${lock_owner%%.*}" "${lock_owner#*.}" && return 1
  mkdir .deliver/lock-breaking 2>/dev/null || return 1
  [ "$(readlink .deliver/lock-link 2>/dev/null)" != "$lock_owner" ] || rm -f .deliver/lock-link
  rmdir .deliver/lock-breaking
  return 1
}

is_alive() {
  is_number "$1" || return 1
  find_start "$1" && [ "$process_started" = "$2" ]
}

# Sets `fence_seen`.
read_fence() {
  fence_seen=
  { read -r fence_seen <.deliver/fence; } 2>/dev/null
  is_number "$fence_seen" || fence_seen=0
}

check_fence() {
  read_fence
  [ "$fence" -ge "$fence_seen" ] || end 12 "fenced out: this host has seen deploy $fence_seen, this is $fence"
  [ "$fence" -eq "$fence_seen" ] || write_file .deliver/fence "$fence"
}

# Every mutating verb starts here. A dead connection must not stop a step half-way.
begin_mutation() {
  need_number fence "$fence"
  trap '' HUP PIPE
  enter_layout
  take_lock
  # First: who is fenced out changes nothing, the preparation of the next release included.
  check_fence
  stop_preparing
  journaled=yes
  find_rename .deliver || end 11 "nothing on this host renames over a link in one step (mv -T, perl, python3 or node would)"
  find_hash || end 11 "no sha256sum and no shasum on this host"
  load_state
}

