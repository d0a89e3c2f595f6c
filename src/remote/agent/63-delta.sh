# --- Verb: delta ----------------------------------------------------------------------------------------------------

# Makes a release from another one that is here: what both have is linked, the rest comes in the payload. That is a patch for the
# listing, and a tar. Nothing in it is believed: the listing must come to its digest, what is kept is worked out here from
# the two listings, and the tree is verified as a whole, as one that was sent whole.
#
# The patch has NUL-terminated records (src/release/delta.ts writes them): `-RECORD` and `+RECORD` of the sections D, F and X,
# `>./path` of the base that the tar links to, and either `~` (the symlinks are those of the base) or `=RECORD` for all of them.
#
# from-replaced=1: the tar is told as differences (zstd --patch-from) from the files of the records `-F`, in the order of these records.
do_delta() {
  need_name base "$base"
  need_sha256 base-digest "$base_digest"
  need_number size "$size"
  need_number patch-size "$patch_size"
  need_sha256 sha256 "$sha256"
  case $verify in full | changed) ;; *) bad_call 'verify is not full or changed' ;; esac
  case $from_replaced in 0 | 1) ;; *) bad_call 'from-replaced is not 0 or 1' ;; esac
  need_number idle "$idle"
  begin_staging
  mkdir -p "$scratch" 2>/dev/null || write_failed "$scratch"
  name='delta'
  [ -f "$scratch/delta" ] || receive
  find_quick || base_unfit "find, sort, join and the like of this host can't do it"
  need_base
  patch_listing
  tail -c "+$((patch_size + 1))" "$scratch/delta" >"$scratch/archive"
  [ "$from_replaced" = 0 ] || restore_archive
  if ! take_prepared || ! build_on_prepared; then build_on_base; fi
  finish_staging
}

build_on_base() {
  rm -f "$scratch/look"
  trust "$base" >"$scratch/trusted"
  [ "$verify" = changed ] || : >"$scratch/trusted"
  clone_base
  unpack
  write_out_early
  [ ! -s "$scratch/sources" ] || trim_tree wanted
  verify_tree
  take_snapshot "$base" "$scratch/known"
}

# The release has to be sent whole.
base_unfit() {
  end 22 "no delta from $base: $*"
}

need_base() {
  find_digest "$base" || base_unfit "it is not on this host"
  [ "$digest_there" = "$base_digest" ] || base_unfit "it has other content (digest $digest_there)"
  [ "$(hash_stdin <".deliver/manifests/$base/listing")" = "$base_digest" ] || base_unfit "its listing was changed"
  [ "$(cat ".deliver/manifests/$base/shared")" = "$(tell_linked)" ] || base_unfit "its shared paths were others"
}

patch_listing() {
  head -c "$patch_size" "$scratch/delta" | decompress >"$scratch/patch" 2>/dev/null
  (
    cd "$scratch" || exit 1
    base_listing=../../manifests/$base/listing
    # The sections come in the order of their bytes, so that both are merged as they are.
    sed -z -n 's/^-//p' patch | sort -z >minus
    sed -z -n 's/^+//p' patch | sort -z >plus
    grep -a -z '^[DFX] ' "$base_listing" | comm -z -23 - minus | sort -z -m - plus >listing
    if grep -a -q -z '^~$' patch; then grep -a -z '^[LT] ' "$base_listing"; else sed -z -n 's/^=//p' patch; fi >>listing
  )
  [ "$(hash_stdin <"$scratch/listing")" = "$digest" ] || base_unfit "the patch does not make the listing of $release"
}

# The tar from what it is told by. A file that was changed on this host makes another one, which zstd's checksum shows, and the tree in the end.
restore_archive() {
  grep -a -z '^F ' ".deliver/manifests/$base/listing" | comm -z -12 - "$scratch/minus" | cut -z -b 69- >"$scratch/replaced.paths"
  # What is no file any more may be a pipe or a device, whose end nobody would see.
  # shellcheck disable=SC2016
  (cd "releases/$base" && xargs -0 sh -c 'for f do [ -f "$f" ] && [ ! -L "$f" ] || exit 1; done; exec cat /dev/null "$@"' sh) \
    <"$scratch/replaced.paths" >"$scratch/replaced" 2>/dev/null &&
    zstd -dcq --patch-from="$scratch/replaced" "$scratch/archive" >"$scratch/archive.tar" 2>/dev/null || {
    has_room || write_failed "the archive of $release"
    base_unfit 'its files were changed on this host, or this zstd has no --patch-from'
  }
  mv -f "$scratch/archive.tar" "$scratch/archive"
  rm -f "$scratch/replaced"
  encoding=none
}

# Names of the base for all of its content; then what the release doesn't have, or not like this, goes away.
clone_base() {
  rm -rf "$scratch/tree"
  # The directory itself would get the mode of the base's.
  cp -al "releases/$base" "$scratch/tree" 2>/dev/null || {
    has_room || write_failed "the tree of $release"
    base_unfit "its files can't be linked (cp -al)"
  }
  unpack_listing_sets
  trim_tree kept
}

# `wanted`: all of the release; `kept`: what of it the base has, and `sources` that the tar links to.
unpack_listing_sets() {
  (
    cd "$scratch" || exit 1
    sed -z -n 's/^F .\{64\}  /F /p; s/^X /F /p' minus plus | sort -z -u >changed
    sed -z -n 's/^>/F /p' patch | sort -z >sources
    list_paths listing >wanted
    comm -z -23 wanted changed | sort -z -u - sources >kept
  )
}

# Removes from the tree what a list doesn't have. Only names that find gives are removed: never through a link, never elsewhere.
trim_tree() {
  (
    cd "$scratch/tree" || exit 1
    find . -mindepth 1 \( -type d -printf 'D %p\0' -o -type l -printf 'L %p//%l\0' -o -printf 'F %p\0' \) |
      sort -z | comm -z -23 - "../$1" >../extra
    remove_extra
  )
}

# In the tree.
remove_extra() {
  sed -z -n '/^[FL] /{s,//.*,,;s/^..//;p}' ../extra | xargs -0 -r rm -f --
  sed -z -n 's/^D //p' ../extra | sort -z -r | xargs -0 -r rmdir -- 2>/dev/null
}

# What about the tree isn't as it should be, when what was sent is whole: somebody changed the base.
first_difference() {
  differs=$(differences | sed -n 's/^[<>] [DFXLT] \([0-9a-f]\{64\}  \)\{0,1\}//p' | head -n 1)
  printf 'it was changed on this host: %s' "${differs#./}"
}
