# --- What this host can do, found out by doing it -------------------------------------------------------------------

empty_sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

# Sets `hash_with`; empty when there is nothing that hashes.
find_hash() {
  hash_with=
  if is_known hash:sha256sum; then
    hash_with=sha256sum
    return 0
  fi
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
  is_known "$1" && return 0
  case $1 in
    zstd) unpacked=$(printf '\050\265\057\375\000\130\031\000\000ok\012' | zstd -dcq 2>/dev/null) ;;
    gzip) unpacked=$(printf '\037\213\010\000\000\000\000\000\000\003\313\317\346\002\000\175\026\026\332\003\000\000\000' | gzip -dc 2>/dev/null) ;;
    *) unpacked= ;;
  esac
  [ "$unpacked" = ok ]
}

# The same with a file (any) that what is unpacked may be told by, as zstd can from 1.4.5 on.
unpacks_patches() {
  is_known zstd-patch && return 0
  [ "$(printf '\050\265\057\375\000\130\031\000\000ok\012' | zstd -dcq --patch-from=/etc/passwd 2>/dev/null)" = ok ]
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
  if is_known rename:mv-T; then
    rename_with=mv-T
    return 0
  fi
  place=$1/.deliver-rename.$nonce
  for way in mv-T mv-h perl python3 node; do
    [ ! -e "$place" ] || rm -rf "$place"
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
  is_known flock && return 0
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
  done 2>/dev/null </proc/mounts
  return 1
}

# Waits a fifth of a second where sleep takes fractions.
nap() {
  sleep 0.2 2>/dev/null || sleep 1
}

