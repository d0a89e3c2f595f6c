# --- A clone of what runs, made beforehand --------------------------------------------------------------------------------

# Most of a delta is to give 24 000 files a second name, which takes the kernel half a second or more. So after a deploy, when nobody
# waits, the next release is begun: .deliver/prepared has hard links to all that `current` brought, and what the file system
# said of them. It is never a release: it has no listing of its own, prune takes it away, and there is one at most.
#
#   .deliver/preparing/      while it is made; `owner` is its process
#   .deliver/prepared/tree   exactly what the base's listing has, shared paths apart
#     base     release and digest        wanted   `D`, `F` and `L` records of the tree
#     scan     what scan_prepared tells  snapshot SHA256/INODE:SIZE:MTIME:CTIME
#
# It is made without the host's lock, and any step that changes something ends it (stop_preparing). A delta takes it only if it is of its
# base; and what of it isn't as `scan` says is hashed. If anything about it is odd it is thrown away, and all is linked anew.

# Seconds that it may take. A write that keeps size and mtime is not seen in this time (see 62-snapshot.sh).
longest_preparing=20

do_prepare() {
  need_name release "$release"
  trap '' HUP PIPE
  enter_layout
  find_hash && find_quick || end 11 'not with the tools of this host'
  began=$(date +%s)
  mkdir .deliver/preparing 2>/dev/null || end 13 'somebody is at it'
  printf '%s.%s\n' "$$" "$(process_start $$)" >.deliver/preparing/owner
  scratch=.deliver/preparing
  base=$release
  base_digest=$(digest_of "$base") || end 19 "releases/$base is not on this host"
  clone_for_later || end 15 "$base was changed, or its tree can't be read"
  sync -f "$scratch/tree" 2>/dev/null
  lock_wait=0
  take_lock
  load_state
  read_current
  [ "$current" = "$base" ] && [ -z "$on_trial" ] && [ "$(($(date +%s) - began))" -le "$longest_preparing" ] &&
    [ "$(cat "$scratch/owner")" = "$$.$(process_start $$)" ] || end 18 'too late'
  take_snapshot "$base" "$scratch/known" && rm -rf .deliver/prepared &&
    (cd "$scratch" && rm -f owner base.now trusted told strange hashed hashes known found files dirs execs links odd listed extra) &&
    mv "$scratch" .deliver/prepared || end 20 "can't keep it"
  scratch=
  end 0 prepared
}

# The tree, and what is known of it. Only what was hashed here or is unchanged since it was, and is in the base's listing, is good enough.
clone_for_later() {
  trust "$base" >"$scratch/trusted" || return 1
  # What is removed shares files with the base, and changes their ctime; so it comes between these two.
  empty_trash
  cp -al "releases/$base" "$scratch/tree" 2>/dev/null || return 1
  (
    cd "$scratch" || exit 1
    listing=../manifests/$base/listing
    [ "$(hash_stdin <"$listing")" = "$base_digest" ] || exit 1
    sed -z -n '/^F /p' "$listing" | cut -z -b 1-2,69- >listed
    { sed -z -n '/^D /p; /^L /{N;s,\x00T ,//,;p}' "$listing" && cat listed; } | sort -z >wanted
  ) || return 1
  trim_tree wanted
  scan_tree
  [ ! -s "$scratch/odd" ] && write_found && scan_prepared >"$scratch/scan" || return 1
  (
    cd "$scratch" || exit 1
    # Shared paths are links on the host, and were trimmed; what is left must be the base's.
    sed -z '/^L /{N;s,\x00T ,//,}' found >told && sort -z told -o told &&
      sed -z '/^L /{N;s,\x00T ,//,}' "../manifests/$base/listing" >listed && sort -z listed -o listed &&
      comm -z -23 told listed >others && [ ! -s others ] || exit 1
    rm -f others
    sed -z '/^F /s,//.*,,' scan >wanted && sort -z wanted -o wanted
  ) && printf '%s %s\n' "$base" "$base_digest" >"$scratch/base"
}

# The tree as sorted records `D ./path`, `L ./path//target`, `F ./path//MODE/LINKS/INODE:SIZE:MTIME:CTIME`, and for what no release has
# `? ./path`. No path has `//` in it.
scan_prepared() {
  (
    cd "$scratch/tree" && find . -mindepth 1 \( -type d -perm 755 -printf 'D %p\0' -o -type l -printf 'L %p//%l\0' \
      -o -type f \( -perm 755 -o -perm 644 \) -printf 'F %p//%m/%n/%i:%s:%T@:%C@\0' -o -printf '? %p\0' \)
  ) | sort -z
}

# Who changes something comes first: whatever is being prepared is ended and put away.
stop_preparing() {
  [ -d .deliver/preparing ] || return 0
  preparing=$(cat .deliver/preparing/owner 2>/dev/null)
  if [ -n "$preparing" ] && is_alive "${preparing%%.*}" "${preparing#*.}"; then
    kill -s KILL -- "-${preparing%%.*}" 2>/dev/null || kill -s KILL "${preparing%%.*}" 2>/dev/null
  fi
  mv .deliver/preparing ".deliver/trash/preparing.$nonce" 2>/dev/null
}

# Whether what runs can be prepared, after a prune.
may_prepare() {
  [ "$prepare" = 1 ] && [ "$current" != - ] && [ -z "$on_trial" ] && find_quick || return 1
  find_session
  [ -n "$session_with" ]
}

# Unless that was done, and nothing was removed since that shares files with it.
start_preparing() {
  { read -r prepared_of prepared_digest <.deliver/prepared/base; } 2>/dev/null || prepared_of=
  [ -z "$(ls -A .deliver/trash)" ] && [ "$prepared_of" = "$current" ] && [ "$prepared_digest" = "$(digest_of "$current")" ] && return 0
  put_away_prepared
  (
    trap - PIPE INT QUIT EXIT
    # Gentle where the host has the means.
    # shellcheck disable=SC2016
    exec_in_session sh -c 'renice -n 19 -p $$ || :; ionice -c 3 -p $$ || :; exec sh "$@"' sh "$agent_file" "$nonce" prepare \
      "path=$root" "release=$current"
  ) </dev/null >/dev/null 2>&1 3>&- 9>&- &
}

put_away_prepared() {
  [ ! -e .deliver/prepared ] || mv .deliver/prepared ".deliver/trash/prepared.$nonce" 2>/dev/null || rm -rf .deliver/prepared
}

# Moves a prepared tree of the base into the scratch space of a delta, if there is one.
take_prepared() {
  [ "$verify" = changed ] && [ -f .deliver/prepared/base ] || return 1
  read -r prepared_of prepared_digest <.deliver/prepared/base
  [ "$prepared_of" = "$base" ] && [ "$prepared_digest" = "$base_digest" ] && rm -rf "$scratch/prepared" "$scratch/tree" &&
    mv .deliver/prepared "$scratch/prepared" 2>/dev/null && mv "$scratch/prepared/tree" "$scratch/tree" 2>/dev/null
}

# From the prepared tree to the release's. Fails when the tree isn't as it should be in the end.
build_on_prepared() {
  unpack_listing_sets
  (
    cd "$scratch" || exit 1
    comm -z -23 prepared/wanted kept >extra
    cd tree && remove_extra
  )
  unpack
  [ ! -s "$scratch/sources" ] || trim_tree wanted
  scan_prepared >"$scratch/scan" || return 1
  (
    # A step that fails, for want of room perhaps, must not pass for one that found nothing.
    cd "$scratch" && [ -s prepared/scan ] && [ -s prepared/snapshot ] || exit 1
    ! grep -q -z '^?' scan || exit 1
    # Which paths there are, of which kind, and where links lead.
    sed -z '/^F /s,//.*,,' scan >paths && sort -z paths -o paths && cmp -s paths wanted || exit 1
    sed -z -n '/^F .*\/\/755\/[^\/]*\/[^\/]*$/{s,//.*,,;s/^F /X /;p}' scan >executable && sort -z executable -o executable &&
      sed -z -n '/^X /p' listing >paths && cmp -s paths executable || exit 1
    # What isn't as it was when the tree was prepared is hashed, and must be what the listing says.
    comm -z -13 prepared/scan scan >others && sed -z -n '/^F /p' others >fresh && sed -z 's,//.*,,;s/^F //' fresh >fresh.paths || exit 1
    # Names of something outside, by a hard link in the tar, are none of the release's.
    sed -z -n '/\/1\/[^\/]*$/!{s,^.*/,,;s/:.*//;p}' fresh >linked && sort -z -u linked -o linked || exit 1
    if [ -s linked ]; then
      sed -z -n '/^F /{s,^.*/,,;s/:.*//;p}' prepared/scan >paths && sort -z -u paths -o paths &&
        comm -z -23 linked paths >others && [ ! -s others ] || exit 1
    fi
    (cd tree && xargs -0 -r sha256sum -z -- <../fresh.paths) >hashed && cut -z -b 1-64 hashed >hashes || exit 1
    sed -z 's/^/F /' hashed >paths && sort -z paths -o paths && sed -z -n '/^F /p' listing >listed &&
      comm -z -23 paths listed >others && [ ! -s others ] || exit 1
    # And whatever the patch brings must be among it: all else is as the base's listing says.
    sed -z 's/^/F /' fresh.paths >paths && sort -z paths -o paths && sed -z -n 's/^+F /F /p' patch >brought &&
      cut -z -b 1-2,69- brought >listed && sort -z listed -o listed && comm -z -23 listed paths >others && [ ! -s others ] || exit 1
    sed -z 's,^.*/,,' fresh >paths && paste -z -d / hashes paths >listed && sort -z -t / -k 2,2 listed -o listed &&
      sort -z -m -t / -k 2,2 -u listed prepared/snapshot >snapshot
  )
}
