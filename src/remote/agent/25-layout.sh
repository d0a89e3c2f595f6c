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
  if [ ! -d "$root" ] && ! mkdir -p "$root" 2>/dev/null; then
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

