# --- What a tree is --------------------------------------------------------------------------------------------------

# The tree has exactly what the listing has: nothing more, nothing else, nothing special.
verify_tree() {
  find_quick
  [ "$quick" = no ] || scan_tree
  if [ "$quick" = no ] || [ -s "$scratch/odd" ]; then
    refuse_odd
    set_modes
    [ "$quick" = no ] || scan_tree
  fi
  if [ "$quick" = yes ]; then
    write_found
  else
    (cd "$scratch/tree" && listing) >"$scratch/found"
  fi 2>/dev/null || [ -s "$scratch/outside" ] || has_room || write_failed 'the listing'
  [ ! -s "$scratch/outside" ] ||
    end 15 "the archive of $release holds hard links: $(head -c 300 "$scratch/outside" | tr '\n\000' '? ')"
  [ "$(hash_stdin <"$scratch/found")" = "$digest" ] && return 0
  has_room || write_failed 'the listing'
  for part in listing found; do tr '\n\000' '?\n' <"$scratch/$part" | sort >"$scratch/$part.lines"; done
  [ -z "$base" ] || base_unfit "$(first_difference)"
  log "expected (<) and found (>) on the host:"
  differences | head -n 20
  end 15 "what the archive of $release unpacks to is not what its listing says"
}

differences() {
  sort "$scratch/listing.lines" "$scratch/found.lines" "$scratch/found.lines" | uniq -u | sed 's/^/< /'
  sort "$scratch/listing.lines" "$scratch/listing.lines" "$scratch/found.lines" | uniq -u | sed 's/^/> /'
}

refuse_odd() {
  special=$(cd "$scratch/tree" && find . ! -type f ! -type d ! -type l -print | head -n 3 | tr '\n' ' ')
  [ -z "$special" ] || end 15 "the archive of $release holds devices, pipes or sockets: $special"
  if [ -n "$base" ]; then
    # To set the mode of a file that is linked would be to change the release that it comes from.
    linked=$(cd "$scratch/tree" && find . -type f -links +1 ! -perm 755 ! -perm 644 -print | head -n 1 | tr '\n' ' ')
    [ -z "$linked" ] || base_unfit "it was changed on this host: mode of $linked"
  else
    linked=$(cd "$scratch/tree" && find . -type f -links +1 -print | head -n 3 | tr '\n' ' ')
    [ -z "$linked" ] || end 15 "the archive of $release holds hard links: $linked"
  fi
  privileged=$(cd "$scratch/tree" && find . ! -type l \( -perm -4000 -o -perm -2000 -o -perm -1000 \) -print | head -n 3 | tr '\n' ' ')
  [ -z "$privileged" ] || end 15 "the archive of $release holds setuid, setgid or sticky modes: $privileged"
}

# Whoever may read and write is not the archive's to say; who may execute is part of the listing.
set_modes() {
  (
    cd "$scratch/tree" || exit 1
    find . -type d ! -perm 755 -exec chmod 755 {} +
    find . -type f -perm -100 ! -perm 755 -exec chmod 755 {} +
    find . -type f ! -perm -100 ! -perm 644 -exec chmod 644 {} +
  ) || end 20 "can't set modes in the tree of $release"
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
