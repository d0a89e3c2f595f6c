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

# The same for all of `trials`, by few processes: what a directory lets nobody rename, it lets nobody remove. Says only whether it is well.
probe_at_once() {
  # shellcheck disable=SC2086 # names of ours
  if (for each in $trials; do : >"$each" || exit 1; done) 2>/dev/null &&
    ln -s x ".deliver-probe.$nonce.link" 2>/dev/null && mv -f ".deliver-probe.$nonce.link" ".deliver-probe.$nonce" 2>/dev/null; then
    rm -f $trials 2>/dev/null && return 0
  fi
  # shellcheck disable=SC2086
  rm -f $trials ".deliver-probe.$nonce.link" 2>/dev/null
  return 1
}

# Is what runs ours, or is there a release of ours? A switch could be undone by neither else, and would leave nothing. One of ours that lost
# its listing counts: another release heals it.
has_way_back() {
  case $current in '' | - | "$trial_release") return 0 ;; esac
  ! find_digest "$current" || return 0
  ! has_word "$current" "$good $bad" || return 0
  for each in $good; do
    ! find_digest "$each" || return 0
  done
  return 1
}

probe_places() {
  places='' trials=''
  for place in . releases .deliver .deliver/incoming .deliver/manifests; do
    [ -d "$place" ] || [ -L "$place" ] || continue
    if [ "$place" != . ] && [ -L "$place" ]; then
      problem foreign-layout "$root/$place is a link; it must be a directory on the file system of $root"
    else
      places="$places $place" trials="$trials $place/.deliver-probe.$nonce"
    fi
  done
  if ! probe_at_once; then
    for place in $places; do probe_directory "$place" || return 1; done
  fi
  [ -n "$current" ] || problem current "$root/current is $current_what, not a link into releases/. Move it away first"
  has_way_back || problem current "$root/current names releases/$current, which deliver did not put there: a deploy that fails could not go back to it. Choose another target.path; or move $root/current away first, if nothing needs it any more"
  if [ "$(stat -c %d . releases .deliver 2>/dev/null | uniq | wc -l)" -ne 1 ]; then
    for place in releases .deliver; do
      [ ! -d "$place" ] || [ "$(device_of "$place")" = "$(device_of .)" ] ||
        problem file-systems "$root/$place is on another file system than $root: nothing can be renamed between them"
    done
  fi
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
  if unpacks_patches; then
    fact tool zstd
    fact tool zstd-patch
  else
    decompresses zstd && fact tool zstd
  fi
  decompresses gzip && fact tool gzip
  find_session
  find_quick && fact tool delta
  [ -z "$session_with" ] || fact tool "session:$session_with"
  [ "$in_path" = no ] || [ ! -w . ] || { flock_works . && fact tool flock; }
  if sync "$(existing_part "$root")" 2>/dev/null; then fact tool sync:file; fi
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
    { [ "$quick" = yes ] || find / -prune -print0 >/dev/null 2>&1; } && tar -cf - /dev/null 2>/dev/null | tar -tf - >/dev/null 2>&1
}

# The restart is not tried, but whether it would be allowed is.
probe_service() {
  user_bus
  case $service in
    systemd)
      [ "$(systemctl_shows show -p LoadState "$unit" 2>/dev/null)" = LoadState=loaded ] ||
        problem no-service "systemd has no unit $unit on this host"
      [ "$user" = 1 ] || probe_sudo systemctl restart "$unit"
      ;;
    pm2) command -v pm2 >/dev/null 2>&1 || problem no-service 'there is no pm2 in the PATH of a login without a terminal' ;;
    upstart) command -v initctl >/dev/null 2>&1 || problem no-service 'there is no upstart on this host' ;;
  esac
}

probe_sudo() {
  ! is_root || return 0
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

# cloud-init leaves it at boot. An address can belong to another server than the fleet thinks.
tell_instance() {
  instance=''
  { read -r instance </var/lib/cloud/data/instance-id; } 2>/dev/null || :
  if is_name "$instance"; then fact instance "$instance"; fi
}

do_probe() {
  tell_probe
  end 0 probed
}

tell_probe() {
  need_number need "$need"
  need_number inodes "$inodes"
  need_service
  look || problem permission "$root can't be entered: it is no directory, or belongs to somebody else ($(owner_of "$root"))"
  fact version "$protocol"
  fact_line path "$root"
  { read -r host_name </proc/sys/kernel/hostname; } 2>/dev/null || host_name=$(hostname 2>/dev/null || uname -n)
  fact_line hostname "$host_name"
  tell_instance
  fact clock "$(date +%s)"
  is_root || :
  fact_line user "$uid $(id -un 2>/dev/null)"
  tell_state
  if [ "$in_path" = yes ]; then
    tell_releases
    read_fence
    [ "$fence_seen" -eq 0 ] || fact fence "$fence_seen"
    [ -z "$reverted" ] || fact reverted "${reverted#* }"
    probe_places
    probe_room .
  elif [ ! -e "$root" ]; then
    probe_parent
    probe_room "$(existing_part "$root")"
  fi
  probe_tools
  find_boot_way
  tell_guard
  probe_service
}

