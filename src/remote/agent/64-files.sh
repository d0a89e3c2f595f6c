# --- Verb: file -----------------------------------------------------------------------------------------------------

# A file of values and secrets, of one release on this host: shared/.releases/<release>/<path>, which releases/<release>/<path> links
# to. So it changes with `current`, in the same rename, and goes back with it. The payload's first line is its sha256 and size: as
# an argument, the hash of a short secret could be read, and guessed, by everybody on the host.
do_file() {
  need_name release "$release"
  case $mode in 600 | 640 | 644) ;; *) bad_call 'mode is not 600, 640 or 644' ;; esac
  begin_mutation
  find_digest "$release" || end 19 "releases/$release is not on this host"
  kept_in=shared/.releases/$release
  split_path "$file"
  [ ! -L shared/.releases ] && [ ! -L "$kept_in" ] || end 11 "$root/$kept_in is a link; it must be a directory"
  (umask 066 && mkdir -p "$kept_in/${parent:-.}") 2>/dev/null || write_failed "$kept_in"
  rm -f "$kept_in"/.new.*
  temporary=$kept_in/.new.$nonce
  receive_file
  if is_same_file; then
    fact changed no
  else
    [ ! -d "$kept_in/$wanted" ] || end 11 "$root/$kept_in/$wanted is a directory"
    mv -f "$temporary" "$kept_in/$wanted" || write_failed "$kept_in/$wanted"
    sync_path "$kept_in/${parent:-.}"
    fact changed yes
  fi
  link_file
  end 0 "$file is there"
}

# Read byte by byte up to the newline: what follows is the file.
receive_file() {
  read -r file_sha256 file_size || end 15 "$file did not arrive"
  is_sha256 "$file_sha256" && is_number "$file_size" || end 15 "$file did not arrive as it was sent"
  (umask 077 && cat >"$temporary") 2>/dev/null || write_failed "$file"
  put_size=$(wc -c <"$temporary")
  [ "$((put_size))" -eq "$file_size" ] || end 15 "$file did not arrive whole: $((put_size)) of $file_size bytes"
  [ "$(hash_stdin <"$temporary")" = "$file_sha256" ] || end 15 "$file arrived damaged"
  chmod "$mode" "$temporary" && sync_path "$temporary" || write_failed "$file"
}

is_same_file() {
  [ -f "$kept_in/$wanted" ] && [ ! -L "$kept_in/$wanted" ] && [ "$(hash_stdin <"$kept_in/$wanted" 2>/dev/null)" = "$file_sha256" ] &&
    [ -n "$(find "$kept_in/$wanted" -prune -perm "$mode" 2>/dev/null)" ]
}

# Sets `wanted`, the path; `parent`, the directory that it is in, or nothing; and `up`, the way from there to the root of the release.
split_path() {
  wanted=${1%/}
  case "/$wanted/" in
    *//* | */./* | */../*) end 11 "path \"$1\" is not a path inside the release" ;;
  esac
  parent='' up='' split_rest=$wanted
  while :; do
    case $split_rest in */*) ;; *) break ;; esac
    parent=$parent${parent:+/}${split_rest%%/*}
    split_rest=${split_rest#*/}
    up=../$up
  done
}

# make_parents TREE: the directories of `parent`, none of them a link that leads out of the tree.
make_parents() {
  made='' make_rest=$parent
  while [ -n "$make_rest" ]; do
    made=$made${made:+/}${make_rest%%/*}
    case $make_rest in */*) make_rest=${make_rest#*/} ;; *) make_rest= ;; esac
    [ ! -L "$1/$made" ] || end 11 "path \"$wanted\": $made is a link in $release"
    [ -d "$1/$made" ] || mkdir "$1/$made" 2>/dev/null || end 11 "path \"$wanted\": $made is no directory in $release"
  done
}

# A release that was staged otherwise (by a server that booted, or before the config named the file) gets its link now.
link_file() {
  link_to=${up}../../shared/.releases/$release/$wanted
  [ "$(readlink "releases/$release/$wanted" 2>/dev/null)" != "$link_to" ] || return 0
  make_parents "releases/$release"
  [ ! -d "releases/$release/$wanted" ] || [ -L "releases/$release/$wanted" ] || end 11 "path \"$wanted\" is a directory in $release"
  rm -f ".deliver/link.$nonce"
  ln -s "$link_to" ".deliver/link.$nonce" 2>/dev/null && rename ".deliver/link.$nonce" "releases/$release/$wanted" ||
    write_failed "the link to shared/.releases/$release/$wanted"
  sync_path "releases/$release/${parent:-.}"
}

# Links in the tree that is being staged; the files come after it.
link_files() {
  set -f
  IFS=$nl
  for entry in $files; do
    unset IFS
    split_path "$entry"
    make_parents "$scratch/tree"
    rm -rf "${scratch:?}/tree/$wanted"
    ln -s "${up}../../shared/.releases/$release/$wanted" "$scratch/tree/$wanted" 2>/dev/null || write_failed "the link to $wanted"
  done
  unset IFS
  set +f
}

# Which paths of a release lead out of it: what a delta must know to be the same in its base.
tell_linked() {
  printf '%s\n' "$shared${shared:+${files:+$nl}}$files"
}
