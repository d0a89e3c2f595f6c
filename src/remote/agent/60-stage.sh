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

