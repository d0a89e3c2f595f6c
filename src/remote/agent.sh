#!/bin/sh
# The agent of deliver: everything that happens on a host, as one POSIX sh program (dash, bash, busybox ash; no tools but
# coreutils, find, xargs, tar, and gzip or zstd). It is sent by src/remote/wire.ts and called as
#
#   sh agent-<hash>.sh NONCE VERB path=DIR key=value...          payload on stdin
#
# and answers on stdout with lines `@NONCE key value`, the last of them `@NONCE end CODE TEXT`. Anything else is log text.
# A call counts when its end line arrives; a call that is cut anywhere can be repeated.
#
# Codes: 0 ok, 10 bad call, 11 precondition, 12 fenced out, 13 busy, 14 no space, 15 verification failed, 16 restart failed,
# 17 restart timed out, 18 lost race, 19 no such release, 20 other failure (21, need agent, is the wire's).
#
# Layout under path:
#   current -> releases/<release>     switched by one rename(2)
#   releases/<release>/               complete: a directory gets this name only after its tree was verified
#   shared/                           linked into each release
#   .deliver/agent-*.sh  lock  fence  state  journal  restart.log
#   .deliver/incoming/<release>.<id>/ what was put, and the tree before it is complete
#   .deliver/manifests/<release>/     listing, digest, shared
#   .deliver/trash/                   on its way out
#
# `state` is one file, replaced by rename, so that a switch and what is known of it can't disagree after a crash:
#   unconfirmed ID RELEASE PREVIOUS   a switch on trial; PREVIOUS may be `-`
#   confirmed ID RELEASE              the last switch that was confirmed
#   reverted ID RELEASE PREVIOUS      the last one that was undone
#   via deploy|rollback               how the last confirmed one came about
#   good RELEASE                      in order of confirmation, newest last
#   bad RELEASE
# `A && B || C` is meant as written wherever it stands: C may run when B fails.
# shellcheck disable=SC2015
set -u
protocol=1
login_umask=$(umask)
umask 022
LC_ALL=C
export LC_ALL
unset CDPATH TAR_OPTIONS POSIXLY_CORRECT GZIP 2>/dev/null
unset IFS
nl='
'
nonce=$1
verb=$2
shift 2

# --- Answers --------------------------------------------------------------------------------------------------------

fact() {
  printf '@%s %s %s\n' "$nonce" "$1" "$2"
}

# Values that come from the host's file system or tools must stay on their line.
fact_line() {
  fact "$1" "$(printf '%s' "$2" | tr '\n\r' '??')"
}

# Log text: people see it, nothing is read from it.
log() {
  printf '%s\n' "$*"
}

# The one way out. The empty line ends what a command left without a newline.
end() {
  end_code=$1
  shift
  [ "$journaled" = no ] || journal_line "$end_code" "$*"
  clean_up
  printf '\n@%s end %s %s\n' "$nonce" "$end_code" "$(printf '%s' "$*" | tr '\n\r' '  ')"
  exit "$end_code"
}

bad_call() {
  end 10 "bad call: $*"
}

# A failed write. Whether the disk is full is found out by trying, not by the words of an error message.
write_failed() {
  has_room && end 20 "can't write $1 in $root"
  end 14 "no space: can't write $1 in $root ($(free_of . k) KiB and $(free_of . i) inodes free, or a quota)"
}

clean_up() {
  [ -z "$scratch" ] || rm -rf "$scratch"
  [ -z "$temporary" ] || rm -rf "$temporary"
  release_lock
  trap - EXIT
}

# Text that can be pasted into a shell.
pasteable() {
  case $1 in
    *[!A-Za-z0-9/._~:@%+=-]* | '') printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf '%s' "$1" ;;
  esac
}

# --- Checks of arguments --------------------------------------------------------------------------------------------

is_name() {
  case $1 in
    '' | [-.]* | *[!A-Za-z0-9._-]* | *..*) return 1 ;;
  esac
  [ ${#1} -le 128 ]
}

is_number() {
  case $1 in
    '' | *[!0-9]* | 0[0-9]*) return 1 ;;
  esac
  [ ${#1} -le 15 ]
}

is_sha256() {
  case $1 in
    *[!0-9a-f]*) return 1 ;;
  esac
  [ ${#1} -eq 64 ]
}

need_name() {
  is_name "$2" || bad_call "$1 is not a name"
}

need_number() {
  is_number "$2" || bad_call "$1 is not a number"
}

need_sha256() {
  is_sha256 "$2" || bad_call "$1 is not a sha256"
}

# --- What this host can do, found out by doing it -------------------------------------------------------------------

empty_sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

# Sets `hash_with`; empty when there is nothing that hashes.
find_hash() {
  hash_with=
  for tool in 'sha256sum' 'shasum -a 256'; do
    # shellcheck disable=SC2086 # a command and its options
    case $($tool </dev/null 2>/dev/null) in
      "$empty_sha256"*)
        hash_with=$tool
        return 0
        ;;
    esac
  done
  return 1
}

hash_stdin() {
  # shellcheck disable=SC2086
  hash_out=$($hash_with) || return 1
  printf '%s' "${hash_out%% *}"
}

# Does it unpack `ok`, as it was packed once elsewhere?
decompresses() {
  case $1 in
    zstd) unpacked=$(printf '\050\265\057\375\000\130\031\000\000ok\012' | zstd -dcq 2>/dev/null) ;;
    gzip) unpacked=$(printf '\037\213\010\000\000\000\000\000\000\003\313\317\346\002\000\175\026\026\332\003\000\000\000' | gzip -dc 2>/dev/null) ;;
    *) unpacked= ;;
  esac
  [ "$unpacked" = ok ]
}

# Sets `session_with`: how a child gets its own session and process group, so that all of it can be killed, and nothing
# that is sent to ours reaches it.
find_session() {
  if setsid true 2>/dev/null; then
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

# `rename A B` is rename(2): it replaces a link, even one that names a directory, and never moves into that.
rename_by() {
  case $1 in
    mv-T) mv -fT "$2" "$3" ;;
    mv-h) mv -fh "$2" "$3" ;;
    perl) perl -e 'rename($ARGV[0], $ARGV[1]) or exit 1' -- "$2" "$3" ;;
    python3) python3 -c 'import os, sys; os.rename(sys.argv[1], sys.argv[2])' "$2" "$3" ;;
    node) node -e 'require("fs").renameSync(process.argv[1], process.argv[2])' -- "$2" "$3" ;;
  esac 2>/dev/null
}

rename() {
  rename_by "$rename_with" "$1" "$2"
}

# Sets `rename_with` by trying in the directory $1; empty when nothing renames over a link to a directory.
find_rename() {
  rename_with=
  place=$1/.deliver-rename.$nonce
  for way in mv-T mv-h perl python3 node; do
    rm -rf "$place"
    mkdir "$place" "$place/old" "$place/new" && ln -s old "$place/link" && ln -s new "$place/next" || break
    if rename_by "$way" "$place/next" "$place/link" && [ "$(readlink "$place/link")" = new ] &&
      [ ! -L "$place/next" ] && [ ! -L "$place/old/next" ]; then
      rename_with=$way
      break
    fi
  done 2>/dev/null
  rm -rf "$place"
  [ -n "$rename_with" ]
}

# flock(1) that really excludes: some file systems let everybody have the lock, some nobody.
flock_works() {
  flock_file=$1/.deliver-flock.$nonce
  (
    exec 8>>"$flock_file" && flock -n 8 && ! (exec 8>&- 7>>"$flock_file" && flock -n 7)
  ) 2>/dev/null
  flock_answer=$?
  rm -f "$flock_file"
  return $flock_answer
}

# Free KiB (k) or inodes (i) of the file system of a directory, or `unknown`. The value stands before the percentage.
free_of() {
  free_line=$(df "-P$2" "$1" 2>/dev/null | tail -n 1)
  free_value=unknown
  free_before=unknown
  set -f
  for word in $free_line; do
    case $word in
      *%)
        free_value=$free_before
        [ "$2" = i ] || break
        ;;
    esac
    free_before=$word
  done
  set +f
  is_number "$free_value" || free_value=unknown
  printf '%s' "$free_value"
}

# Is the file system of a directory mounted read-only?
is_read_only() {
  mount_point=$(df -P "$1" 2>/dev/null | tail -n 1)
  mount_point=${mount_point##*% }
  while read -r _ mounted _ options _; do
    [ "$mounted" = "$mount_point" ] || continue
    case $options in ro | ro,*) return 0 ;; esac
  done </proc/mounts 2>/dev/null
  return 1
}

# Waits a fifth of a second where sleep takes fractions.
nap() {
  sleep 0.2 2>/dev/null || sleep 1
}

# --- Writing --------------------------------------------------------------------------------------------------------

# Bytes of a file, or entries of a directory, to the disk. Old versions of sync know no files and sync everything.
sync_path() {
  case $sync_with in
    file) sync "$1" 2>/dev/null ;;
    *) sync ;;
  esac
}

find_sync() {
  if sync .deliver 2>/dev/null; then sync_with='file'; else sync_with='all'; fi
}

# A small file is replaced as a whole or not at all, also by a power cut.
write_file() {
  if { printf '%s\n' "$2" >".deliver/new.$nonce" && sync_path ".deliver/new.$nonce"; } 2>/dev/null &&
    mv -f ".deliver/new.$nonce" "$1" && sync_path "${1%/*}"; then
    return 0
  fi
  rm -f ".deliver/new.$nonce"
  write_failed "$1"
}

journal_line() {
  printf '%s %s %s %s %s\n' "$(date +%s)" "${fence:-0}" "$verb" "${release:--}" \
    "$1 $(printf '%s' "$2" | tr '\n\r' '  ')" >>.deliver/journal 2>/dev/null
}

# --- Layout ---------------------------------------------------------------------------------------------------------

# The deepest directory that exists on the way to the path.
existing_part() {
  part=$1
  while [ ! -d "$part" ]; do
    case $part in
      */*) part=${part%/*} ;;
      *) part=. ;;
    esac
    [ -n "$part" ] || part=/
  done
  printf '%s' "$part"
}

owner_of() {
  # shellcheck disable=SC2012 # the owner's name, portably
  owner_line=$(ls -ldn "$1" 2>/dev/null)
  set -f
  # shellcheck disable=SC2086
  set -- $owner_line
  set +f
  printf 'uid %s gid %s, %s' "${3:-?}" "${4:-?}" "${1:-?}"
}

# What to tell somebody whose path can't be made or written.
ownership_fix() {
  printf 'Run on the host: sudo mkdir -p %s && sudo chown %s: %s' "$(pasteable "$root")" "$(id -un)" "$(pasteable "$root")"
}

enter_layout() {
  if ! mkdir -p "$root" 2>/dev/null; then
    part=$(existing_part "$root")
    end 11 "$root can't be created: $part belongs to $(owner_of "$part"). $(ownership_fix)"
  fi
  cd "$root" 2>/dev/null || end 11 "$root can't be entered: it belongs to $(owner_of "$root"). $(ownership_fix)"
  for place in releases shared .deliver .deliver/incoming .deliver/manifests .deliver/trash; do
    [ -d "$place" ] && [ ! -L "$place" ] && continue
    [ "$place" = shared ] && [ -d shared ] && continue
    if ! mkdir "$place" 2>/dev/null && [ ! -d "$place" ]; then
      [ -e "$place" ] && end 11 "$root/$place is not a directory"
      if [ ! -w "${place%/*}" ] && [ ! -w . ]; then
        end 11 "$root belongs to $(owner_of .): no permission to create $place. $(ownership_fix)"
      fi
      [ "$(free_of . i)" = 0 ] && end 14 "no inodes left for $root"
      end 20 "can't create $root/$place"
    fi
    [ ! -L "$place" ] || end 11 "$root/$place is a link; it must be a directory on the same file system"
  done
  find_sync
  root_real=$(pwd -P)
}

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
  rm -rf .deliver/current.* .deliver/new.* .deliver/room.* .deliver/.deliver-rename.* 2>/dev/null
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
  lock_mine=$$.$(process_start $$)
  ln -s "$lock_mine" .deliver/lock-link 2>/dev/null && return 0
  lock_owner=$(readlink .deliver/lock-link 2>/dev/null) || return 1
  is_alive "${lock_owner%%.*}" "${lock_owner#*.}" && return 1
  mkdir .deliver/lock-breaking 2>/dev/null || return 1
  [ "$(readlink .deliver/lock-link 2>/dev/null)" != "$lock_owner" ] || rm -f .deliver/lock-link
  rmdir .deliver/lock-breaking
  return 1
}

# When a process started, so that another one with its number isn't taken for it.
process_start() {
  if [ -r "/proc/$1/stat" ]; then
    read -r stat_line <"/proc/$1/stat" 2>/dev/null || return 1
    set -f
    # shellcheck disable=SC2086 # fields after the name, which may contain anything
    set -- ${stat_line##*) }
    set +f
    printf '%s' "${20:-unknown}"
  elif [ ! -d /proc/self ]; then
    ps -o lstart= -p "$1" 2>/dev/null | tr -c '0-9A-Za-z\n' '_'
  else
    return 1
  fi
}

is_alive() {
  is_number "$1" || return 1
  alive_start=$(process_start "$1") && [ -n "$alive_start" ] && [ "$alive_start" = "$2" ]
}

check_fence() {
  fence_seen=$(cat .deliver/fence 2>/dev/null)
  is_number "$fence_seen" || fence_seen=0
  [ "$fence" -ge "$fence_seen" ] || end 12 "fenced out: this host has seen deploy $fence_seen, this is $fence"
  [ "$fence" -eq "$fence_seen" ] || write_file .deliver/fence "$fence"
}

# Every mutating verb starts here. A dead connection must not stop a step half-way.
begin_mutation() {
  need_number fence "$fence"
  trap '' HUP PIPE
  enter_layout
  take_lock
  check_fence
  journaled=yes
  find_rename .deliver || end 11 "nothing on this host renames over a link in one step (mv -T, perl, python3 or node would)"
  find_hash || end 11 "no sha256sum and no shasum on this host"
  load_state
}

# --- State ----------------------------------------------------------------------------------------------------------

load_state() {
  on_trial='' trial_release='' trial_previous='' confirmed='' reverted='' via='' good='' bad=''
  [ -f .deliver/state ] || return 0
  while read -r key one two three _; do
    case $key in
      unconfirmed) on_trial=$one trial_release=$two trial_previous=$three ;;
      confirmed) confirmed="$one $two" ;;
      reverted) reverted="$one $two $three" ;;
      via) via=$one ;;
      good) good="$good $one" ;;
      bad) bad="$bad $one" ;;
    esac
  done <.deliver/state
}

save_state() {
  write_file .deliver/state "$(
    [ -z "$on_trial" ] || echo "unconfirmed $on_trial $trial_release $trial_previous"
    [ -z "$confirmed" ] || echo "confirmed $confirmed"
    [ -z "$reverted" ] || echo "reverted $reverted"
    [ -z "$via" ] || echo "via $via"
    for each in $good; do echo "good $each"; done
    for each in $bad; do echo "bad $each"; done
  )"
}

# The words of a list but one.
without() {
  for each in $2; do [ "$each" = "$1" ] || printf ' %s' "$each"; done
}

has_word() {
  case " $2 " in *" $1 "*) return 0 ;; esac
  return 1
}

mark_bad() {
  good=$(without "$1" "$good")
  bad="$(without "$1" "$bad") $1"
}

# The digest of a complete release; fails when there is none.
digest_of() {
  [ -d "releases/$1" ] && [ ! -L "releases/$1" ] && [ -f ".deliver/manifests/$1/digest" ] &&
    read -r known_digest <".deliver/manifests/$1/digest" && is_sha256 "$known_digest" && printf '%s' "$known_digest"
}

# Sets `current`: a release, `-` for none, or empty with `current_what` when it is not ours.
read_current() {
  current='' current_what=''
  if [ -L current ]; then
    link=$(readlink current)
    for start in releases/ ./releases/ "$root/releases/" "$root_real/releases/"; do
      case $link in "$start"*) current=${link#"$start"} current=${current%/} ;; esac
    done
    is_name "$current" && return 0
    current='' current_what="a link to $link"
  elif [ -d current ]; then
    current_what='a directory'
  elif [ -e current ]; then
    current_what='a file'
  else
    current=-
  fi
}

need_own_current() {
  read_current
  [ -n "$current" ] ||
    end 11 "$root/current is $current_what, not a link into releases/. Move it away first, e.g. mv $(pasteable "$root/current") $(pasteable "$root/current.before")"
}

# The switch: one rename, of a link that was made aside.
switch_to() {
  if [ "$1" = - ]; then
    rm -f current
  else
    ln -s "releases/$1" ".deliver/current.$nonce" 2>/dev/null || write_failed "the link for current"
    rename ".deliver/current.$nonce" current || end 20 "can't rename over $root/current: it belongs to $(owner_of .)"
  fi
  sync_path .
  current=$1
}

# --- Time limits ----------------------------------------------------------------------------------------------------

# run_limited SECONDS DIRECTORY COMMAND... : in a session of its own, output to fd 3. At the limit TERM for all of its process
# group, ten seconds later KILL; the limit holds even when this program is killed. Sets `limited_code`, and
# `timed_out` to yes or no. Background processes that the command leaves are not waited for, and hold nothing of ours.
run_limited() {
  limit=$1 limit_directory=$2
  shift 2
  (
    trap - HUP PIPE INT QUIT EXIT
    unset LC_ALL
    # shellcheck disable=SC2016
    exec_in_session sh -c 'umask "$1"; cd "$2" || exit 1; shift 2; exec "$@"' sh "$login_umask" "$limit_directory" "$@"
  ) </dev/null >&3 2>&3 3>&- 9>&- &
  limited=$!
  (
    trap - HUP PIPE EXIT
    # shellcheck disable=SC2016
    exec_in_session sh -c '
      sleep "$1" || exit 0
      trap "" TERM
      kill -s TERM -- "-$2" 2>/dev/null || kill -s TERM "$2"
      left=50
      while [ "$left" -gt 0 ] && { kill -s 0 -- "-$2" || kill -s 0 "$2"; } 2>/dev/null; do
        sleep 0.2 2>/dev/null || { sleep 1; left=$((left - 4)); }
        left=$((left - 1))
      done
      kill -s KILL -- "-$2" 2>/dev/null || kill -s KILL "$2"
      exit 7
    ' sh "$limit" "$limited"
  ) </dev/null >/dev/null 2>&1 3>&- 9>&- &
  watcher=$!
  wait "$limited" 2>/dev/null
  limited_code=$?
  kill -s TERM -- "-$watcher" 2>/dev/null || kill -s TERM "$watcher" 2>/dev/null
  wait "$watcher" 2>/dev/null
  if [ $? -eq 7 ]; then timed_out=yes; else timed_out=no; fi
}

# --- Service --------------------------------------------------------------------------------------------------------

# Prints `sudo -n` and nothing else where root is needed and we aren't: sudoers may allow exactly that one command line.
as_root() {
  [ "$(id -u)" = 0 ] || printf 'sudo -n'
}

user_bus() {
  [ "$user" != 1 ] || export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
}

systemctl_shows() {
  if [ "$user" = 1 ]; then systemctl --user "$@"; else systemctl "$@"; fi
}

# control_service restart|stop LIMIT: sets `control_failed` to a text, or to nothing.
control_service() {
  action=$1 control_limit=$2
  control_failed='' timed_out=no control_directory=$root
  user_bus
  sudo=$(as_root)
  # shellcheck disable=SC2086,SC2016 # $sudo is a command and its option, or nothing
  case $service in
    none) return 0 ;;
    systemd)
      if [ "$user" = 1 ]; then set -- systemctl --user "$action" "$unit"; else set -- $sudo systemctl "$action" "$unit"; fi
      ;;
    upstart)
      if [ "$action" = stop ]; then
        set -- $sudo stop "$job"
      else
        set -- sh -c '$1 restart "$2" || $1 start "$2"' sh "$sudo" "$job"
      fi
      ;;
    pm2)
      if [ "$action" = stop ]; then
        set -- pm2 stop "$name"
      elif pm2 describe "$name" >/dev/null 2>&1 9>&- </dev/null; then
        set -- pm2 reload "$name" --update-env
      elif [ -n "$start" ]; then
        # By the path through `current`: pm2 remembers it, and must find the next release there.
        case $start in
          *.json | *.yml | *.yaml | *.config.js | *.config.cjs | *.config.mjs)
            set -- pm2 start "$root/current/$start" --only "$name" --cwd "$root/current"
            ;;
          *) set -- pm2 start "$root/current/$start" --name "$name" --cwd "$root/current" ;;
        esac
      else
        control_failed="pm2 doesn't know \"$name\". Start it once, or say in the config how to start it"
        return 1
      fi
      ;;
    command)
      if [ "$action" = stop ]; then
        [ -n "$stop" ] || return 0
        set -- sh -c "$stop"
      else
        control_directory=$root/current
        set -- sh -c "$restart"
      fi
      ;;
  esac
  # A new file each time: what the command leaves running may write to the old one for ever.
  rm -f .deliver/restart.log
  (: >.deliver/restart.log) 2>/dev/null || write_failed restart.log
  exec 3>>.deliver/restart.log
  started=$(date +%s)
  note_failed
  DELIVER_RELEASE=$current DELIVER_PATH=$root
  export DELIVER_RELEASE DELIVER_PATH
  run_limited "$control_limit" "$control_directory" "$@"
  while [ "$limited_code" -ne 0 ] && [ "$timed_out" = no ] && may_start_later; do
    sleep 1
    run_limited "$((control_limit - waited))" "$control_directory" "$@"
  done
  exec 3>&-
  fact duration "$(($(date +%s) - started))"
  if [ "$timed_out" = yes ]; then
    control_failed="not done after $control_limit s, and killed"
  elif [ "$limited_code" -ne 0 ]; then
    control_failed="exit code $limited_code$(sudo_fix "$@")"
  elif [ "$service" = systemd ] && [ "$action" = restart ]; then
    check_active
  fi
  [ -z "$control_failed" ]
}

# A release that crashed in a loop leaves its unit refusing every start for a while (StartLimitIntervalSec, 10 s by default), also that
# of the release that we go back to. systemctl doesn't tell this from other failures, so a unit that had failed before we came
# is tried again for that long. Clearing the limit needs a right that sudoers may not give.
may_start_later() {
  [ "$service" = systemd ] && [ "$action" = restart ] && [ "$had_failed" = yes ] || return 1
  [ -n "$sudo" ] && [ "$user" != 1 ] || systemctl_shows reset-failed "$unit" >/dev/null 2>&1
  waited=$(($(date +%s) - started))
  [ "$waited" -lt "$((control_limit - 1))" ] && [ "$waited" -le "$start_interval" ]
}

# Before a restart: whether the unit has failed, and the seconds that it may refuse starts for.
note_failed() {
  had_failed=no start_interval=10
  [ "$service" = systemd ] && [ "$(systemctl_shows is-failed "$unit" 2>/dev/null)" = failed ] || return 0
  had_failed=yes
  shown=$(systemctl_shows show -p StartLimitIntervalUSec "$unit" 2>/dev/null)
  shown=${shown#*=}
  start_interval=1
  for each in $shown; do
    case $each in
      *ms | *us) ;;
      *min) is_number "${each%min}" && start_interval=$((start_interval + ${each%min} * 60)) ;;
      *h) is_number "${each%h}" && start_interval=$((start_interval + ${each%h} * 3600)) ;;
      *s) each=${each%%.*} && is_number "${each%s}" && start_interval=$((start_interval + ${each%s} + 1)) ;;
    esac
  done
  [ "$start_interval" -gt 1 ] || start_interval=12
}

# A unit of Type=simple counts as started when its process exists; it may be gone by now.
check_active() {
  active_state=$(systemctl_shows is-active "$unit" 2>/dev/null)
  case $active_state in
    active | activating | reloading) ;;
    *) control_failed="$unit is ${active_state:-in an unknown state} after the restart" ;;
  esac
  [ "$(systemctl_shows show -p SubState "$unit" 2>/dev/null)" != SubState=auto-restart ] ||
    control_failed="$unit ended right after its start"
}

# Whether sudo lets us is asked of sudo, not read from its message.
sudo_fix() {
  [ "$1" = sudo ] || return 0
  shift 2
  sudo -n -l "$@" >/dev/null 2>&1 && return 0
  command -v sudo >/dev/null 2>&1 || {
    printf ': there is no sudo on this host'
    return 0
  }
  sudo_command=$(command -v "$1")
  shift
  printf ': sudo does not allow it without a password. Add with visudo: %s ALL=(root) NOPASSWD: %s' "$(id -un)" "$sudo_command $*"
}

# Restarts, and ends the call with 16 or 17 when that fails. The switch stays as it is.
restart_or_end() {
  if control_service restart "$restart_timeout"; then
    [ "$service" = none ] && fact restarted no || fact restarted yes
    return 0
  fi
  fact restarted no
  tail -n "$log_lines" .deliver/restart.log 2>/dev/null
  [ "$timed_out" = no ] || end 17 "the restart timed out: $control_failed"
  end 16 "the restart failed: $control_failed"
}

need_service() {
  case $service in
    none) ;;
    systemd) [ -n "$unit" ] || bad_call 'no unit' ;;
    upstart) [ -n "$job" ] || bad_call 'no job' ;;
    pm2) [ -n "$name" ] || bad_call 'no name' ;;
    command) [ -n "$restart$port" ] || [ "$verb" != activate ] || bad_call 'no restart command' ;;
    *) bad_call "service $service" ;;
  esac
  case $unit$job$name in -*) bad_call 'a service name starts with -' ;; esac
}

# --- Verb: install --------------------------------------------------------------------------------------------------

# Run from its own text, which the wire left in `agent_text`.
do_install() {
  case $file in
    agent-*[!a-z0-9.-]* | */*) bad_call 'file is not the name of an agent' ;;
    agent-*.sh) ;;
    *) bad_call 'file is not the name of an agent' ;;
  esac
  need_sha256 sha256 "$sha256"
  trap '' HUP PIPE
  enter_layout
  find_hash || end 11 'no sha256sum and no shasum on this host'
  temporary=.deliver/new-agent.$nonce
  # shellcheck disable=SC2154 # set by the wire
  { printf '%s' "$agent_text" >"$temporary" && chmod 700 "$temporary" && sync_path "$temporary"; } 2>/dev/null ||
    write_failed 'the agent'
  [ "$(hash_stdin <"$temporary")" = "$sha256" ] || end 15 'the agent did not arrive as it was sent'
  mv -f "$temporary" ".deliver/$file" || write_failed 'the agent'
  end 0 installed
}

# --- Verb: probe ----------------------------------------------------------------------------------------------------

problem() {
  fact_line problem "$1 $2"
}

# Everything that a deploy will do in a directory is tried in it: create, rename, symlink.
probe_directory() {
  trial=$1/.deliver-probe.$nonce
  if (: >"$trial") 2>/dev/null && mv -f "$trial" "$trial.moved" 2>/dev/null && ln -s x "$trial" 2>/dev/null &&
    rm -f "$trial" "$trial.moved" 2>/dev/null; then
    return 0
  fi
  rm -f "$trial" "$trial.moved" 2>/dev/null
  if is_read_only "$1"; then
    problem read-only "$root is on a file system that is mounted read-only"
  elif [ "$(free_of "$1" i)" = 0 ]; then
    problem no-space "no inodes left on the file system of $root"
  elif [ -w "$1" ]; then
    problem permission "$root: can't create and rename files in $1, though its mode allows it (is it immutable? see lsattr -d)"
  else
    problem permission "$root: no permission to write in $1, which belongs to $(owner_of "$1"). $(ownership_fix)"
  fi
  return 1
}

probe_places() {
  for place in . releases .deliver .deliver/incoming .deliver/manifests; do
    [ -d "$place" ] || [ -L "$place" ] || continue
    if [ "$place" != . ] && [ -L "$place" ]; then
      problem foreign-layout "$root/$place is a link; it must be a directory on the file system of $root"
    else
      probe_directory "$place" || return 1
    fi
  done
  [ -n "$current" ] || problem current "$root/current is $current_what, not a link into releases/. Move it away first"
  for place in releases .deliver; do
    [ -d "$place" ] || continue
    if [ "$(device_of "$place")" != "$(device_of .)" ]; then
      problem file-systems "$root/$place is on another file system than $root: nothing can be renamed between them"
    fi
  done
  find_rename . || problem no-atomic-rename 'nothing here renames over a link in one step (mv -T, perl, python3 or node would)'
}

device_of() {
  stat -c %d "$1" 2>/dev/null || stat -f %d "$1" 2>/dev/null || df -P "$1" | tail -n 1
}

# Where the path doesn't exist yet: can it be made?
probe_parent() {
  part=$(existing_part "$root")
  if is_read_only "$part"; then
    problem read-only "$part is on a file system that is mounted read-only"
  elif [ ! -w "$part" ] || [ ! -x "$part" ]; then
    problem no-path "$root does not exist and can't be created: $part belongs to $(owner_of "$part"). $(ownership_fix)"
  fi
}

probe_tools() {
  decompresses zstd && fact tool zstd
  decompresses gzip && fact tool gzip
  find_session
  [ -z "$session_with" ] || fact tool "session:$session_with"
  [ "$in_path" = no ] || [ ! -w . ] || { flock_works . && fact tool flock; }
  for tool in node sudo systemctl journalctl pm2; do
    command -v "$tool" >/dev/null 2>&1 && fact tool "$tool"
  done
  [ -z "${rename_with:-}" ] || fact tool "rename:$rename_with"
  find_hash && fact tool "hash:${hash_with%% *}"
  [ -n "$hash_with" ] || problem no-sha256 'no sha256sum and no shasum on this host'
  probe_listing_tools || problem no-tools "find, sort, xargs or tar don't do what is needed here (find -print0, sort -z, xargs -0, tar -x)"
}

probe_listing_tools() {
  # shellcheck disable=SC2016
  [ "$(printf 'b\000a\000' | sort -z | xargs -0 sh -c 'echo "$#$1"' sh 2>/dev/null)" = 2a ] &&
    find / -prune -print0 >/dev/null 2>&1 && tar -cf - /dev/null 2>/dev/null | tar -tf - >/dev/null 2>&1
}

# The restart is not tried, but whether it would be allowed is.
probe_service() {
  user_bus
  case $service in
    systemd)
      systemctl_shows show -p LoadState "$unit" 2>/dev/null | grep -q '^LoadState=loaded$' ||
        problem no-service "systemd has no unit $unit on this host"
      [ "$user" = 1 ] || probe_sudo systemctl restart "$unit"
      ;;
    pm2) command -v pm2 >/dev/null 2>&1 || problem no-service 'there is no pm2 in the PATH of a login without a terminal' ;;
    upstart) command -v initctl >/dev/null 2>&1 || problem no-service 'there is no upstart on this host' ;;
  esac
}

probe_sudo() {
  [ "$(id -u)" != 0 ] || return 0
  fix=$(sudo_fix sudo -n "$@")
  [ -z "$fix" ] || problem sudo "no right to restart the service${fix}"
}

probe_room() {
  room_k=$(free_of "$1" k)
  room_i=$(free_of "$1" i)
  [ "$room_k" = unknown ] || fact free-bytes "$((room_k * 1024))"
  [ "$room_i" = unknown ] || fact free-inodes "$room_i"
  if [ "$room_k" != unknown ] && [ "$((room_k * 1024))" -lt "$need" ]; then
    problem no-space "disk full: $root needs $need bytes and has $((room_k * 1024)) free"
  elif [ "$room_i" != unknown ] && [ "$room_i" -lt "$inodes" ]; then
    problem no-space "$root needs $inodes inodes and has $room_i free"
  fi
}

tell_state() {
  if [ "$current" = - ]; then
    fact current none
  elif [ -n "$current" ]; then
    fact current "release $current"
  else
    fact_line current "foreign $current_what"
  fi
  for each in $good; do fact good "$each"; done
  [ -z "$on_trial" ] || fact unconfirmed "$on_trial $trial_release $trial_previous"
  [ -z "$via" ] || fact via "$via"
}

# Read-only verbs: goes where the layout is, if it is there.
look() {
  in_path=no root_real=$root current=- current_what=''
  load_nothing
  if cd "$root" 2>/dev/null; then
    in_path=yes
    root_real=$(pwd -P)
    read_current
    load_state
  elif [ -e "$root" ] || [ -L "$root" ]; then
    current='' current_what="unknown: $root can't be entered"
    return 1
  fi
}

load_nothing() {
  on_trial='' trial_release='' trial_previous='' confirmed='' reverted='' via='' good='' bad=''
}

do_probe() {
  need_number need "$need"
  need_number inodes "$inodes"
  need_service
  look || problem permission "$root can't be entered: it is no directory, or belongs to somebody else ($(owner_of "$root"))"
  fact version "$protocol"
  fact_line path "$root"
  fact_line hostname "$(hostname 2>/dev/null || uname -n)"
  fact clock "$(date +%s)"
  fact_line user "$(id -u) $(id -un 2>/dev/null)"
  tell_state
  if [ "$in_path" = yes ]; then
    for place in releases/*; do
      each=${place#releases/}
      is_name "$each" && each_digest=$(digest_of "$each") || continue
      mark=-
      has_word "$each" "$good" && mark=good
      has_word "$each" "$bad" && mark=bad
      fact release "$each $each_digest $mark"
    done
    fence_seen=$(cat .deliver/fence 2>/dev/null)
    is_number "$fence_seen" && fact fence "$fence_seen"
    probe_places
    probe_room .
  elif [ ! -e "$root" ]; then
    probe_parent
    probe_room "$(existing_part "$root")"
  fi
  probe_tools
  probe_service
  end 0 probed
}

# --- Verbs: put, stage ----------------------------------------------------------------------------------------------

# The end of the payload proves nothing (a cut connection looks the same): it counts when size and hash are right.
do_put() {
  need_name release "$release"
  need_name id "$id"
  need_number size "$size"
  need_sha256 sha256 "$sha256"
  case $name in archive | listing) ;; *) bad_call 'name is not archive or listing' ;; esac
  begin_mutation
  put_in=.deliver/incoming/$release.$id
  mkdir -p "$put_in" 2>/dev/null || write_failed "$put_in"
  scratch=$put_in
  cat >"$put_in/$name.part" 2>/dev/null || write_failed "the $name"
  put_size=$(wc -c <"$put_in/$name.part")
  [ "$((put_size))" -eq "$size" ] || end 15 "the $name did not arrive whole: $((put_size)) of $size bytes"
  [ "$(hash_stdin <"$put_in/$name.part")" = "$sha256" ] || end 15 "the $name arrived damaged: another sha256 than was announced"
  mv -f "$put_in/$name.part" "$put_in/$name" || write_failed "the $name"
  scratch=
  end 0 "$name is there"
}

do_stage() {
  need_name release "$release"
  need_name id "$id"
  need_sha256 digest "$digest"
  begin_mutation
  sweep_incoming "$release.$id"
  scratch=.deliver/incoming/$release.$id
  if [ -e "releases/$release" ] || [ -L "releases/$release" ]; then
    there=$(digest_of "$release") || end 11 "releases/$release is there, and deliver did not make it. Move it away: $root/releases/$release"
    [ "$there" = "$digest" ] || end 11 "releases/$release is there with other content (digest $there, wanted $digest)"
    fact already yes
    end 0 'already there'
  fi
  for part in archive listing; do
    [ -f "$scratch/$part" ] || end 11 "the $part of $release was not put here"
  done
  [ "$(hash_stdin <"$scratch/listing")" = "$digest" ] || end 15 "the listing of $release is not the one with digest $digest"
  unpack
  verify_tree
  link_shared
  keep_manifest
  settle_on_disk
  mv "$scratch/tree" "releases/$release" || end 20 "can't rename the tree to releases/$release"
  sync_path releases
  end 0 staged
}

# Only one step runs on a host at a time: scratch of another attempt is garbage.
sweep_incoming() {
  for place in .deliver/incoming/* .deliver/incoming/.[!.]*; do
    [ -e "$place" ] || [ -L "$place" ] || continue
    [ "$place" = ".deliver/incoming/$1" ] || rm -rf "$place"
  done
}

decompress() {
  case $encoding in
    zstd) zstd -dcq ;;
    gzip) gzip -dc ;;
    none) cat ;;
  esac
}

unpack() {
  case $encoding in
    zstd | gzip | none) ;;
    *) bad_call "encoding $encoding" ;;
  esac
  [ "$encoding" = none ] || decompresses "$encoding" || end 11 "this host has no $encoding. Install it, or build another archive.format"
  rm -rf "$scratch/tree"
  mkdir "$scratch/tree" 2>/dev/null || write_failed "$scratch/tree"
  # A setgid directory above would hand its bit down.
  chmod 755 "$scratch/tree" && chmod g-s "$scratch/tree"
  # What tar leaves unread is drained, or the other side would fail for it.
  {
    decompress <"$scratch/archive"
    echo $? >"$scratch/decompressed"
  } | {
    tar -xf - -o --no-same-permissions -C "$scratch/tree"
    echo $? >"$scratch/unpacked"
    cat >/dev/null
  }
  unpacked=$(cat "$scratch/decompressed" "$scratch/unpacked" 2>/dev/null)
  [ "$unpacked" = "0${nl}0" ] && return 0
  has_room || write_failed "the tree of $release"
  end 15 "the archive of $release does not unpack (decompressing: ${unpacked%%"$nl"*}, tar: ${unpacked##*"$nl"})"
}

has_room() {
  dd if=/dev/zero of=".deliver/room.$nonce" bs=65536 count=16 2>/dev/null
  room_code=$?
  rm -f ".deliver/room.$nonce"
  [ $room_code -eq 0 ] && [ "$(free_of . i)" != 0 ]
}

# The tree has exactly what the listing has: nothing more, nothing else, nothing special.
verify_tree() {
  special=$(cd "$scratch/tree" && find . ! -type f ! -type d ! -type l -print | head -n 3 | tr '\n' ' ')
  [ -z "$special" ] || end 15 "the archive of $release holds devices, pipes or sockets: $special"
  linked=$(cd "$scratch/tree" && find . -type f -links +1 -print | head -n 3 | tr '\n' ' ')
  [ -z "$linked" ] || end 15 "the archive of $release holds hard links: $linked"
  privileged=$(cd "$scratch/tree" && find . ! -type l \( -perm -4000 -o -perm -2000 -o -perm -1000 \) -print | head -n 3 | tr '\n' ' ')
  [ -z "$privileged" ] || end 15 "the archive of $release holds setuid, setgid or sticky modes: $privileged"
  # Whoever may read and write is not the archive's to say; who may execute is part of the listing.
  (
    cd "$scratch/tree" || exit 1
    find . -type d ! -perm 755 -exec chmod 755 {} +
    find . -type f -perm -100 ! -perm 755 -exec chmod 755 {} +
    find . -type f ! -perm -100 ! -perm 644 -exec chmod 644 {} +
  ) || end 20 "can't set modes in the tree of $release"
  (cd "$scratch/tree" && listing) >"$scratch/found" 2>/dev/null || has_room || write_failed 'the listing'
  [ "$(hash_stdin <"$scratch/found")" = "$digest" ] && return 0
  has_room || write_failed 'the listing'
  for part in listing found; do tr '\n\000' '?\n' <"$scratch/$part" | sort >"$scratch/$part.lines"; done
  log "expected (<) and found (>) on the host:"
  {
    sort "$scratch/listing.lines" "$scratch/found.lines" "$scratch/found.lines" | uniq -u | sed 's/^/< /'
    sort "$scratch/listing.lines" "$scratch/listing.lines" "$scratch/found.lines" | uniq -u | sed 's/^/> /'
  } | head -n 20
  end 15 "what the archive of $release unpacks to is not what its listing says"
}

# The listing of the directory we are in, as src/release/listing.ts writes it: NUL-terminated records, sorted by bytes in
# each of four sections.
listing() {
  # shellcheck disable=SC2016
  find . -mindepth 1 -type d -print0 | sort -z | xargs -0 sh -c '[ $# = 0 ] || printf "D %s\000" "$@"' sh
  # shellcheck disable=SC2016
  hash_files | sort -z | xargs -0 sh -c '[ $# = 0 ] || printf "F %s\000" "$@"' sh
  # shellcheck disable=SC2016
  find . -type f -perm -100 -print0 | sort -z | xargs -0 sh -c '[ $# = 0 ] || printf "X %s\000" "$@"' sh
  find . -type l -print0 | sort -z | tell_links
}

# `<sha256>  ./path` with a NUL after each.
hash_files() {
  if [ "$(sha256sum -z /dev/null 2>/dev/null | tr '\000' '.')" = "$empty_sha256  /dev/null." ]; then
    # shellcheck disable=SC2016
    find . -type f -print0 | xargs -0 sh -c '[ $# = 0 ] || sha256sum -z "$@"' sh
    return
  fi
  # Without -z, names with newlines and backslashes come out ambiguous: these are read from stdin, one by one.
  # shellcheck disable=SC2016
  find . -type f ! -path '*\\*' ! -path "*$nl*" -print0 |
    xargs -0 sh -c 'with=$1; shift; [ $# = 0 ] || $with "$@"' sh "$hash_with" | tr '\n' '\000'
  # shellcheck disable=SC2016
  find . -type f \( -path '*\\*' -o -path "*$nl*" \) -print0 |
    xargs -0 sh -c 'with=$1; shift; for f do h=$($with <"$f") && printf "%s  %s\000" "${h%% *}" "$f"; done' sh "$hash_with"
}

# NUL-terminated paths of links on stdin.
tell_links() {
  if [ "$(find / -prune -printf %p 2>/dev/null)" = / ]; then
    # shellcheck disable=SC2016
    xargs -0 sh -c '[ $# = 0 ] || find "$@" -prune -printf "L %p\0T %l\0"' sh
  else
    # The dot keeps newlines at the end of a target.
    # shellcheck disable=SC2016
    xargs -0 sh -c 'for l do t=$(readlink -n "$l"; echo .); printf "L %s\000T %s\000" "$l" "${t%.}"; done' sh
  fi
}

# shared/<path> of the host takes the place of <path> in the release. A directory is made when it isn't there yet; a file
# that the release brings is the first version of the shared one; a file that nobody has is a mistake to be told of.
link_shared() {
  set -f
  IFS=$nl
  for entry in $shared; do
    unset IFS
    link_one_shared "$entry"
  done
  unset IFS
  set +f
}

link_one_shared() {
  wanted=${1%/}
  case "/$wanted/" in
    *//* | */./* | */../*) end 11 "shared path \"$1\" is not a path inside the release" ;;
  esac
  up=../..
  parent=
  rest=$wanted
  while :; do
    case $rest in */*) ;; *) break ;; esac
    parent=$parent${parent:+/}${rest%%/*}
    rest=${rest#*/}
    up=../$up
    [ ! -L "$scratch/tree/$parent" ] || end 11 "shared path \"$1\": $parent is a link in $release"
    [ -d "$scratch/tree/$parent" ] || mkdir "$scratch/tree/$parent" 2>/dev/null ||
      end 11 "shared path \"$1\": $parent is no directory in $release"
  done
  mkdir -p "shared/${parent:-.}" 2>/dev/null || end 11 "shared path \"$1\": can't create $root/shared/$parent"
  if [ ! -e "shared/$wanted" ]; then make_shared "$1"; fi
  rm -rf "$scratch/tree/$wanted"
  ln -s "$up/shared/$wanted" "$scratch/tree/$wanted" 2>/dev/null || write_failed "the link to shared/$wanted"
}

make_shared() {
  if [ -L "shared/$wanted" ]; then
    end 11 "$root/shared/$wanted is a link to nowhere"
  elif [ -f "$scratch/tree/$wanted" ] && [ ! -L "$scratch/tree/$wanted" ]; then
    cp -p "$scratch/tree/$wanted" ".deliver/new.$nonce" && mv -f ".deliver/new.$nonce" "shared/$wanted" ||
      write_failed "shared/$wanted"
    return 0
  fi
  case $1 in
    */) ;;
    *)
      case ${wanted##*/} in
        *.*) end 11 "$root/shared/$wanted does not exist. Create it on the host (a directory is written \"$wanted/\" in the config)" ;;
      esac
      ;;
  esac
  mkdir "shared/$wanted" 2>/dev/null || write_failed "shared/$wanted"
}

keep_manifest() {
  kept=.deliver/manifests/$release
  rm -rf "$kept" "$scratch/manifest"
  mkdir "$scratch/manifest" && mv "$scratch/listing" "$scratch/manifest/listing" &&
    printf '%s\n' "$digest" >"$scratch/manifest/digest" && printf '%s\n' "$shared" >"$scratch/manifest/shared" &&
    mv "$scratch/manifest" "$kept" || write_failed "the manifest of $release"
}

# A power cut after the rename must not find empty files in a complete release.
settle_on_disk() {
  find_session
  exec 3>/dev/null
  # shellcheck disable=SC2016
  run_limited 120 "$root" sh -c 'sync -f "$1" 2>/dev/null || sync' sh "$scratch/tree"
  exec 3>&-
  [ "$timed_out" = no ] || log 'the disk is slow: it did not take everything in 120 s; going on'
}

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
  find_session
  there=$(digest_of "$release") || end 19 "releases/$release is not on this host"
  [ "$there" = "$digest" ] || end 11 "releases/$release has other content (digest $there, wanted $digest)"
  need_own_current
  if [ "$on_trial" = "$id" ] && [ "$trial_release" = "$release" ]; then
    previous=$trial_previous
  else
    note_previous
    on_trial=$id trial_release=$release trial_previous=$previous
    save_state
    # The guard stands before the switch: there is no moment in which nobody would go back.
    [ "$guard" -eq 0 ] || start_guard
  fi
  fact previous "$previous"
  [ "$current" = "$release" ] || switch_to "$release"
  restart_or_end
  end 0 "activated $release"
}

# What a revert goes back to: the last release that was confirmed or at least not on trial, and is still there.
note_previous() {
  previous=$current
  [ -z "$on_trial" ] || previous=$trial_previous
  [ "$previous" != - ] || return 0
  digest_of "$previous" >/dev/null && return 0
  previous=-
  for each in $good; do
    [ "$each" != "$release" ] && digest_of "$each" >/dev/null && previous=$each
  done
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
      end 0 'already confirmed'
    fi
    end 18 "this host is not on trial with $id: ${on_trial:-nothing} is; it runs ${current:-$current_what}"
  fi
  release=$trial_release
  [ "$current" = "$trial_release" ] || end 18 "current is ${current:-$current_what}, not $trial_release"
  digest_of "$current" >/dev/null || end 19 "releases/$current is not complete"
  good="$(without "$current" "$good") $current"
  bad=$(without "$current" "$bad")
  [ -z "$mark_bad" ] || [ "$mark_bad" = "$current" ] || mark_bad "$mark_bad"
  confirmed="$id $current" via=$via_wanted
  on_trial=
  save_state
  end 0 "confirmed $current"
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
    digest_of "$trial_previous" >/dev/null || end 19 "releases/$trial_previous, to go back to, is not on this host"
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

# --- Verb: prune ----------------------------------------------------------------------------------------------------

do_prune() {
  need_number keep "$keep"
  begin_mutation
  need_own_current
  forget_gone
  kept="$current $trial_release $trial_previous $(printf '%s' "$protect" | tr ',' ' ')"
  kept="$kept $(newest_good "$keep") $(previous_good) $(staged_since_confirm)"
  in_use=$(releases_in_use)
  for place in releases/*; do
    each=${place#releases/}
    is_name "$each" && [ -d "$place" ] && [ ! -L "$place" ] && digest_of "$each" >/dev/null || continue
    has_word "$each" "$kept" && continue
    if has_word "$each" "$in_use"; then
      log "$each stays: a process still runs from it"
      continue
    fi
    remove_release "$each"
  done
  sweep_incoming ''
  for place in .deliver/agent-*.sh .deliver/manifests/*; do
    case $place in
      */agent-*.sh) [ "${place##*/}" = "${agent_file##*/}" ] || rm -f "$place" ;;
      *) [ -d "releases/${place##*/}" ] || rm -rf "$place" ;;
    esac
  done
  tail -n 500 .deliver/journal >".deliver/new.$nonce" 2>/dev/null && mv -f ".deliver/new.$nonce" .deliver/journal
  empty_trash || log "some of $root/.deliver/trash could not be removed"
  # Trials of calls that were killed, by age: those of today may be under way.
  find . .deliver -maxdepth 1 -name '.deliver-*' -mtime +0 -exec rm -rf {} + 2>/dev/null
  end 0 pruned
}

# A prune that was killed may have taken a release away and not said so yet.
forget_gone() {
  for each in $good $bad; do
    digest_of "$each" >/dev/null || {
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
    rm -rf ".deliver/manifests/$1"
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

previous_good() {
  previous_good=
  for each in $good; do
    [ "$each" = "$current" ] || previous_good=$each
  done
  printf '%s' "$previous_good"
}

# What was staged after the last confirmed switch may be about to be activated. By the journal's order: clocks jump.
staged_since_confirm() {
  since=
  while read -r _ _ did what code _; do
    [ "$code" = 0 ] || continue
    case $did in
      stage) since="$since $what" ;;
      confirm) since= ;;
    esac
  done <.deliver/journal 2>/dev/null
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

# --- Verbs: service, status, logs, run, journal ---------------------------------------------------------------------

tell_service() {
  user_bus
  state='' active=unknown pid='' restarts=''
  case $service in
    systemd) ask_systemd ;;
    upstart)
      state=$(status "$job" 2>/dev/null) || state=
      state=${state#"$job "}
      case $state in
        *start/running*) active=yes ;;
        ?*) active=no ;;
      esac
      case $state in *'process '*) pid=${state##*process } ;; esac
      state=${state%%,*}
      ;;
    pm2)
      pid=$(pm2 pid "$name" 2>/dev/null </dev/null | tail -n 1)
      case $pid in 0 | '') active=no pid='' ;; *) active=yes ;; esac
      ;;
  esac
  if [ -n "$port" ]; then
    listener=$(listener_of "$port")
    # A manager's main process may be the parent of the one that listens.
    [ -n "$pid" ] || pid=$listener
    [ -z "$listener" ] || [ "$active" != unknown ] || active=yes
    fact_line listener "${listener:-unknown}"
  fi
  is_number "$pid" && [ "$pid" -gt 0 ] || pid=
  fact active "$active"
  fact_line state "${state:-unknown}"
  fact pid "${pid:-unknown}"
  is_number "$restarts" || restarts=unknown
  fact restarts "$restarts"
  [ -z "$pid" ] || tell_process
}

ask_systemd() {
  shown=$(systemctl_shows show -p MainPID -p NRestarts -p ActiveState "$unit" 2>/dev/null)
  set -f
  IFS=$nl
  for each in $shown; do
    case $each in
      MainPID=*) pid=${each#*=} ;;
      NRestarts=*) restarts=${each#*=} ;;
      ActiveState=*) state=${each#*=} ;;
    esac
  done
  unset IFS
  set +f
  case $state in
    active) active=yes ;;
    ?*) active=no ;;
  esac
}

tell_process() {
  fact_line started "$(process_start "$pid" || echo unknown)"
  cwd=$(readlink "/proc/$pid/cwd" 2>/dev/null) || cwd=
  [ -n "$cwd" ] || cwd=$(lsof -a -p "$pid" -d cwd -Fn 2>/dev/null | sed -n 's/^n//p')
  fact_line cwd "${cwd:-unknown}"
  case $cwd in
    "$root_real/releases/"*)
      cwd_release=${cwd#"$root_real/releases/"}
      cwd_release=${cwd_release%%[/ ]*}
      ! is_name "$cwd_release" || fact cwd-release "$cwd_release"
      ;;
  esac
}

# The process that listens on a TCP port, of those that we may look into.
listener_of() {
  port_hex=$(printf '%04X' "$1")
  if [ ! -r /proc/net/tcp ]; then
    lsof -nP -iTCP:"$1" -sTCP:LISTEN -t 2>/dev/null | head -n 1
    return
  fi
  sockets=' '
  while read -r _ local _ socket_state _ _ _ _ _ inode _; do
    case $socket_state:$local in 0A:*:"$port_hex") sockets="$sockets$inode " ;; esac
  done <<END
$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)
END
  [ "$sockets" != ' ' ] || return 0
  of=
  # shellcheck disable=SC2012
  ls -l /proc/[0-9]*/fd 2>/dev/null | while read -r fd_line; do
    case $fd_line in
      /proc/*/fd:) of=${fd_line#/proc/} of=${of%/fd:} ;;
      *' -> socket:['*)
        inode=${fd_line##*'socket:['}
        case $sockets in *" ${inode%]} "*)
          echo "$of"
          break
          ;;
        esac
        ;;
    esac
  done
}

do_service() {
  need_service
  [ -z "$port" ] || need_number port "$port"
  look
  tell_service
  end 0 told
}

do_status() {
  need_service
  [ -z "$port" ] || need_number port "$port"
  look
  fact_line path "$root"
  tell_state
  [ -z "$current" ] || fact previous-good "$(previous_good)"
  tell_service
  end 0 told
}

do_logs() {
  need_number lines "$lines"
  need_service
  look
  user_bus
  if [ -n "$logfile" ]; then
    case $logfile in /*) ;; *) logfile=$root/$logfile ;; esac
    tail -n "$lines" "$logfile" 2>/dev/null || end 11 "$logfile can't be read"
    end 0 told
  fi
  case $service in
    systemd)
      if [ "$user" = 1 ]; then
        journalctl --user --no-pager -o short-iso -n "$lines" -u "$unit" 2>/dev/null || end 11 'the journal of this user can not be read'
      else
        # A service that runs as this user may write to a journal of this user's own, so the attempt decides.
        told=$(journalctl -q --no-pager -o short-iso -n "$lines" -u "$unit" 2>/dev/null)
        [ -n "$told" ] || may_read_journal ||
          end 11 "$(id -un) may not read the journal. Allow it: sudo usermod -aG systemd-journal $(id -un)"
        printf '%s\n' "$told"
      fi
      ;;
    upstart) tail -n "$lines" "/var/log/upstart/$job.log" 2>/dev/null || end 11 "/var/log/upstart/$job.log can't be read" ;;
    pm2)
      for each in "${PM2_HOME:-$HOME/.pm2}/logs/$name-error"*.log "${PM2_HOME:-$HOME/.pm2}/logs/$name-out"*.log; do
        [ -f "$each" ] && tail -n "$lines" "$each"
      done
      ;;
    command) [ -f .deliver/restart.log ] && tail -n "$lines" .deliver/restart.log ;;
  esac
  end 0 told
}

# Without the right to the system's journal, journalctl shows nothing and ends well.
may_read_journal() {
  [ "$(id -u)" != 0 ] || return 0
  for each in /var/log/journal /run/log/journal; do
    for journal_file in "$each"/*/system.journal; do [ -r "$journal_file" ] && return 0; done
  done
  return 1
}

do_run() {
  need_number timeout "$timeout"
  look
  find_session
  case $dir in
    current) run_in=$root/current ;;
    home) run_in=$HOME ;;
    *) bad_call "dir $dir" ;;
  esac
  [ -d "$run_in" ] || end 11 "$run_in is no directory"
  DELIVER_RELEASE=$current DELIVER_PATH=$root
  export DELIVER_RELEASE DELIVER_PATH
  exec 3>&1
  run_limited "$timeout" "$run_in" sh -c "$command"
  exec 3>&-
  [ "$timed_out" = no ] || end 0 "not done after $timeout s, and killed"
  printf '\n'
  fact exit "$limited_code"
  end 0 ran
}

do_journal() {
  need_number n "$n"
  look
  if [ "$in_path" = yes ]; then
    tail -n "$n" .deliver/journal 2>/dev/null | while IFS= read -r each; do fact_line journal "$each"; done
  fi
  end 0 told
}

# --- Main -----------------------------------------------------------------------------------------------------------

main() {
  agent_file=$0 scratch='' temporary='' lock_kind='' journaled=no lock_wait=60 timed_out=no sync_with=all
  root='' release='' id='' digest='' sha256='' size='' name='' file='' encoding=none shared='' fence='' protect='' keep=5
  service=none unit='' user='' job='' start='' restart='' stop='' restart_timeout=60 port='' logfile='' via_wanted=''
  guard=0 log_lines=40 mark_bad='' need=0 inodes=0 lines=40 timeout=60 dir=home command='' n=20
  for argument in "$@"; do
    case $argument in *=*) ;; *) bad_call 'an argument without =' ;; esac
    value=${argument#*=}
    case ${argument%%=*} in
      path) root=$value ;;
      fence) fence=$value ;;
      lock-wait) lock_wait=$value ;;
      release) release=$value ;;
      id) id=$value ;;
      digest) digest=$value ;;
      sha256) sha256=$value ;;
      size) size=$value ;;
      name) name=$value ;;
      file) file=$value ;;
      encoding) encoding=$value ;;
      shared) shared=$value ;;
      service) service=$value ;;
      unit) unit=$value ;;
      user) user=$value ;;
      job) job=$value ;;
      start) start=$value ;;
      restart) restart=$value ;;
      stop) stop=$value ;;
      restart-timeout) restart_timeout=$value ;;
      port) port=$value ;;
      logfile) logfile=$value ;;
      guard) guard=$value ;;
      log-lines) log_lines=$value ;;
      via) via_wanted=$value ;;
      mark-bad) mark_bad=$value ;;
      keep) keep=$value ;;
      protect) protect=$value ;;
      need) need=$value ;;
      inodes) inodes=$value ;;
      lines) lines=$value ;;
      timeout) timeout=$value ;;
      dir) dir=$value ;;
      command) command=$value ;;
      n) n=$value ;;
      *) bad_call "unknown argument ${argument%%=*}" ;;
    esac
  done
  case $root in
    /*) ;;
    *) bad_call 'path is not absolute' ;;
  esac
  while :; do
    case $root in
      ?*/) root=${root%/} ;;
      *) break ;;
    esac
  done
  [ "$root" != / ] || bad_call 'path is the root directory'
  need_number lock-wait "$lock_wait"
  trap clean_up EXIT
  case $verb in
    install | probe | put | stage | activate | confirm | revert | guard | prune | service | status | logs | run | journal) "do_$verb" ;;
    *) bad_call "unknown verb $verb" ;;
  esac
}

main "$@"
