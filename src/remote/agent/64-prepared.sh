# --- A clone of what runs, made beforehand --------------------------------------------------------------------------------

# Most of a delta is to give 24 000 files a second name, which takes the kernel half a second or more. So after a deploy, when nobody
# waits, the next release is begun: .deliver/prepared has hard links to all that `current` brought, and what the file system
# said of them. It is never a release: it has no listing of its own, prune takes it away, and there is one at most.
#
#   .deliver/preparing/      while it is made; `owner` is its process
#   .deliver/prepared/tree   exactly what the base's listing has, shared paths apart
#     base     release and digest        paths    `D`, `F` and `L` records of the base, shared paths too
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
  find_start $$ || process_started=unknown
  prepared_by=$$.$process_started
  printf '%s\n' "$prepared_by" >.deliver/preparing/owner
  scratch=.deliver/preparing
  base=$release
  find_digest "$base" || end 19 "releases/$base is not on this host"
  base_digest=$digest_there
  clone_for_later || end 15 "$base was changed, or its tree can't be read"
  sync -f "$scratch/tree" 2>/dev/null
  lock_wait=0
  take_lock
  load_state
  read_current
  [ "$current" = "$base" ] && [ -z "$on_trial" ] && [ "$(($(date +%s) - began))" -le "$longest_preparing" ] &&
    [ "$(cat "$scratch/owner")" = "$prepared_by" ] || end 18 'too late'
  take_snapshot "$base" "$scratch/known" && rm -rf .deliver/prepared &&
    (cd "$scratch" && rm -f owner base.now look trusted told strange strange.paths strange.paths.lines hashed hashes known found files dirs execs links odd listed extra) &&
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
    list_paths "$listing" >paths
  ) || return 1
  trim_tree paths
  scan_tree
  [ ! -s "$scratch/odd" ] && write_found && scan_prepared >"$scratch/scan" || return 1
  (
    cd "$scratch" || exit 1
    # Shared paths are links on the host, and were trimmed; what is left must be the base's.
    sed -z '/^L /{N;s,\x00T ,//,}' found >told && sort -z told -o told &&
      sed -z '/^L /{N;s,\x00T ,//,}' "../manifests/$base/listing" >listed && sort -z listed -o listed &&
      comm -z -23 told listed >others && [ ! -s others ] || exit 1
    # A program that isn't one any more is still a file.
    comm -z -13 told listed >others && sed -z -n 's/^X /F /p' others >lost && sort -z lost -o lost && tell_paths scan >told &&
      comm -z -12 lost told >others && [ ! -s others ] || exit 1
    rm -f others lost
  ) && printf '%s %s\n' "$base" "$base_digest" >"$scratch/base"
}

# Of a listing: `D ./path`, `F ./path` and `L ./path//target`, sorted. No path has `//` in it, so that it can stand between a link and its target.
list_paths() {
  {
    sed -z -n '/^D /p; /^L /{N;s,\x00T ,//,;p}' "$1" && grep -a -z '^F ' "$1" | cut -z -b 1-2,69-
  } | sort -z
}

# The tree as sorted records `D ./path`, `L ./path//target`, `F ./path^A//MODE/LINKS/INODE:SIZE:MTIME:CTIME`, and for what no release has
# `? ./path`. ^A is the byte 1, which sorts before all others, so that the paths alone are sorted as well. Names that have it come out
# in another order and are taken for odd: such a release is linked anew each time.
scan_prepared() {
  (
    cd "$scratch/tree" && find . -mindepth 1 \( -type d -perm 755 -printf 'D %p\0' -o -type l -printf 'L %p//%l\0' \
      -o -type f \( -perm 755 -o -perm 644 \) -printf "$file_look" -o -printf '? %p\0' \)
  ) >"$scratch/look"
  sort -z "$scratch/look"
}

file_look='F %p\001//%m/%n/%i:%s:%T@:%C@\0'

# Whether the files of RELEASE are as they were when it was verified, in the order in which find meets them. If not, a closer look may still find that
# all is well.
looks_as_verified() {
  (cd "releases/$1" && find . -type f -printf "$file_look") 2>/dev/null | cmp -s - ".deliver/manifests/$1/look"
}

# The paths of such a scan.
tell_paths() {
  cut -z -d "$(printf '\001')" -f 1 "$1"
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
  [ -z "$(ls -A .deliver/trash)" ] && [ "$prepared_of" = "$current" ] && find_digest "$current" && [ "$prepared_digest" = "$digest_there" ] && return 0
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

# From the prepared tree to the release's. Fails when the tree isn't as it should be in the end. Most of it is as it was when it was prepared,
# and that was exactly the base: so what is worked out here is the difference, and only the paths are compared as a whole.
build_on_prepared() {
  list_changes || return 1
  (cd "$scratch/tree" && remove_extra)
  unpack
  write_out_early
  (
    # What the tar linked to, and the directories that it was in.
    cd "$scratch/tree" && comm -z -23 ../sources ../wanted >../others && sed -z -n '/^D /p' ../extra >>../others && mv ../others ../extra && remove_extra
  )
  scan_prepared >"$scratch/scan" && is_as_wanted
}

# From the patch: `wanted`, the paths of the release; `changed`, files that the tar brings or links anew; `extra`, what of the base goes away
# before it is unpacked, and `sources` that stay until then. What is removed is of the base's own listing: never through a link, never elsewhere.
list_changes() {
  (
    # A step that fails, for want of room perhaps, must not pass for one that found nothing.
    cd "$scratch" && [ -s prepared/scan ] && [ -s prepared/snapshot ] && [ -s prepared/paths ] || exit 1
    for each in minus plus; do
      sed -z -n '/^D /p; s/^F .\{64\}  /F /p' "$each" >"$each.paths" || exit 1
    done
    sed -z -n 's/^F .\{64\}  /F /p; s/^X /F /p' minus plus >changed && sort -z -u changed -o changed || exit 1
    if ! grep -a -q -z '^~$' patch; then
      sed -z -n '/^L /{N;s,\x00T ,//,;p}' listing | sort -z >links || exit 1
      grep -a -z '^L ' prepared/paths | comm -z -23 - links >>minus.paths
      grep -a -z '^L ' prepared/paths | comm -z -13 - links >>plus.paths
    fi
    sort -z minus.paths -o minus.paths && sort -z plus.paths -o plus.paths || exit 1
    comm -z -23 prepared/paths minus.paths | sort -z -m - plus.paths >wanted || exit 1
    sed -z -n 's/^>/F /p' patch | sort -z | comm -z -12 - prepared/paths >sources
    sort -z -u minus.paths changed | comm -z -12 - prepared/paths | comm -z -23 - sources >extra
  )
}

is_as_wanted() {
  (
    cd "$scratch" || exit 1
    ! grep -a -q -z '^?' scan || exit 1
    # Which paths there are, of which kind, and where links lead.
    tell_paths scan >paths && cmp -s paths wanted || exit 1
    # What isn't as it was when the tree was prepared is hashed, and must be what the listing says.
    comm -z -13 prepared/scan scan >others && sed -z -n '/^F /p' others >fresh && tell_paths fresh >fresh.names && cut -z -b 3- fresh.names >fresh.paths || exit 1
    # Names of something outside, by a hard link in the tar, are none of the release's.
    sed -z -n '/\/1\/[^\/]*$/!{s,^.*/,,;s/:.*//;p}' fresh >linked && sort -z -u linked -o linked || exit 1
    if [ -s linked ]; then
      sed -z -n '/^F /{s,^.*/,,;s/:.*//;p}' prepared/scan >others && sort -z -u others -o others &&
        comm -z -23 linked others >outside && [ ! -s outside ] || exit 1
    fi
    # Whatever the patch brings must be among it: all else is as the base's listing says.
    comm -z -12 changed wanted >others && comm -z -23 others fresh.names >missing && [ ! -s missing ] || exit 1
    grep -a -z '^F ' listing >listed && (cd tree && hash_paths ../fresh.paths) >hashes || exit 1
    paste -z -d ' ' hashes /dev/null fresh.paths >hashed && sed -z 's/^/F /' hashed >brought && sort -z brought -o brought && comm -z -23 brought listed >others && [ ! -s others ] || exit 1
    # Who may be executed.
    sed -z -n 's,^F \(.*\)\x01//755/[^/]*/[^/]*$,X \1,p' fresh >executable && sed -z 's/^F /X /' fresh.names >others || exit 1
    { grep -a -z '^X ' listing || [ $? -eq 1 ]; } >listed && comm -z -12 listed others >expected && cmp -s expected executable || exit 1
    sed -z 's,^.*/,,' fresh | paste -z -d / hashes - | sort -z -t / -k 2,2 >listed && sort -z -m -t / -k 2,2 -u listed prepared/snapshot >snapshot
  )
}
