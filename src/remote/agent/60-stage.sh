# --- Verbs: put, stage ----------------------------------------------------------------------------------------------

# The end of the payload proves nothing (a cut connection looks the same): it counts when size and hash are right.
do_put() {
  need_name release "$release"
  need_name id "$id"
  need_number size "$size"
  need_sha256 sha256 "$sha256"
  need_number idle "$idle"
  case $name in archive | listing | delta) ;; *) bad_call 'name is not archive, listing or delta' ;; esac
  begin_mutation
  put_in=.deliver/incoming/$release.$id
  mkdir -p "$put_in" 2>/dev/null || write_failed "$put_in"
  scratch=$put_in
  receive
  scratch=
  end 0 "$name is there"
}

# The payload becomes the file `name` in the scratch space.
receive() {
  take_input "$scratch/$name.part" || [ "$stalled" = yes ] || write_failed "the $name"
  [ "$stalled" = no ] || end 15 "the $name did not arrive whole: nothing came for $idle s, $(($(wc -c <"$scratch/$name.part"))) of $size bytes are here"
  put_size=$(wc -c <"$scratch/$name.part")
  [ "$((put_size))" -eq "$size" ] || end 15 "the $name did not arrive whole: $((put_size)) of $size bytes"
  [ "$(hash_stdin <"$scratch/$name.part")" = "$sha256" ] || end 15 "the $name arrived damaged: another sha256 than was announced"
  mv -f "$scratch/$name.part" "$scratch/$name" || write_failed "the $name"
}

do_stage() {
  begin_staging
  for part in archive listing; do
    [ -f "$scratch/$part" ] || end 11 "the $part of $release was not put here"
  done
  [ "$(hash_stdin <"$scratch/listing")" = "$digest" ] || end 15 "the listing of $release is not the one with digest $digest"
  check_signed_archive
  make_tree
  unpack
  # It needn't reach the disk any more.
  rm -f "$scratch/archive"
  write_out_early
  verify_tree
  finish_staging
}

begin_staging() {
  need_name release "$release"
  need_name id "$id"
  need_sha256 digest "$digest"
  begin_mutation
  check_signed
  sweep_incoming "$release.$id"
  scratch=.deliver/incoming/$release.$id
  if [ -e "releases/$release" ] || [ -L "releases/$release" ]; then
    find_digest "$release" || end 11 "releases/$release is there, and deliver did not make it. Move it away: $root/releases/$release"
    [ "$digest_there" = "$digest" ] || end 11 "releases/$release is there with other content (digest $digest_there, wanted $digest)"
    keep_signed ".deliver/manifests/$release"
    fact already yes
    end 0 'already there'
  fi
}

# From a verified tree to a release.
finish_staging() {
  link_shared
  link_files
  keep_manifest
  settle_on_disk
  mv "$scratch/tree" "releases/$release" || end 20 "can't rename the tree to releases/$release"
  sync_path releases
  end 0 staged
}

# A release that is here is what was staged, or is put away, so that it can be staged again. What runs, or is what a switch on trial goes back to, stays.
do_recheck() {
  need_name release "$release"
  begin_mutation
  find_digest "$release" || {
    fact missing yes
    end 0 'not here'
  }
  read_current
  [ "$current" != "$release" ] && { [ -z "$on_trial" ] || [ "$trial_previous" != "$release" ]; } || end 0 'in use'
  find_altered "$release" all
  [ -n "$altered" ] || altered=$(find_lost "$release")
  altered=${altered#./}
  [ -n "$altered" ] || end 0 unchanged
  put_away_release
  fact_line altered "$altered"
  end 0 'put away'
}

put_away_release() {
  mv "releases/$release" ".deliver/trash/$release.$nonce" 2>/dev/null || end 20 "can't move releases/$release away"
  rm -rf ".deliver/manifests/$release"
  empty_trash
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

make_tree() {
  rm -rf "$scratch/tree"
  mkdir "$scratch/tree" 2>/dev/null || write_failed "$scratch/tree"
  # A setgid directory above would hand its bit down.
  chmod 755 "$scratch/tree" && chmod g-s "$scratch/tree"
}

unpack() {
  case $encoding in
    zstd | gzip | none) ;;
    *) bad_call "encoding $encoding" ;;
  esac
  [ "$encoding" = none ] || decompresses "$encoding" || end 11 "this host has no $encoding. Install it, or build another archive.format"
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

# The disk writes while the tree is looked at and hashed, so that there is less to wait for in the end.
write_out_early() {
  (
    trap - PIPE INT QUIT EXIT
    exec sync -f "$scratch/tree"
  ) </dev/null >/dev/null 2>&1 3>&- 4<&- 9>&- &
}

has_room() {
  dd if=/dev/zero of=".deliver/room.$nonce" bs=65536 count=16 2>/dev/null
  room_code=$?
  rm -f ".deliver/room.$nonce"
  [ $room_code -eq 0 ] && [ "$(free_of . i)" != 0 ]
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
  split_path "$1"
  make_parents "$scratch/tree"
  mkdir -p "shared/${parent:-.}" 2>/dev/null || end 11 "shared path \"$1\": can't create $root/shared/$parent"
  if [ ! -e "shared/$wanted" ]; then make_shared "$1"; fi
  rm -rf "$scratch/tree/$wanted"
  ln -s "${up}../../shared/$wanted" "$scratch/tree/$wanted" 2>/dev/null || write_failed "the link to shared/$wanted"
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
    { [ ! -f "$scratch/snapshot" ] || mv "$scratch/snapshot" "$scratch/manifest/snapshot"; } &&
    { [ ! -f "$scratch/look" ] || grep -a -z '^F ' "$scratch/look" >"$scratch/manifest/look"; } &&
    printf '%s\n' "$digest" >"$scratch/manifest/digest" && tell_linked >"$scratch/manifest/shared" && keep_signed "$scratch/manifest" &&
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

