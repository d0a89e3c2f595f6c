# --- Files that are known by what the file system says of them ---------------------------------------------------------

# Hashing a release takes seconds, and looking at it a tenth of one. So the agent remembers for each file that it hashed
# `SHA256/INODE:SIZE:MTIME:CTIME`, in .deliver/manifests/<release>/snapshot. As long as all four are the same, so is the
# content: ctime is the kernel's, no tool sets it back. It changes with the number of links too, so that whoever links
# or removes a release takes the snapshot of what shares its files again. A file that isn't known any more is hashed.

# Sets `quick`: are find, sort, join and so on those of GNU, with records that end in NUL, and times finer than seconds? A grep before
# 2.27 finds the start of a record after each newline in it.
find_quick() {
  if [ -n "$quick" ]; then
    [ "$quick" = yes ]
    return
  fi
  quick=no
  if is_known delta; then
    quick=yes
    return 0
  fi
  case $(find / -prune -printf '%p %C@' 2>/dev/null) in '/ '*.*) ;; *) return 1 ;; esac
  # shellcheck disable=SC2094
  quick_said=$(
    printf 'k/s\000z\nk/t\000' | sort -z -t / -k 1,1 | join -z -t / -a 1 - /dev/null | comm -z -23 - /dev/null | uniq -z -u |
      paste -z -d / - | cut -z -d / -f 1- | grep -a -z '^k' | sed -z -n 's,k/,F ,p' | tr '\000' '.'
  ) 2>/dev/null
  [ "$quick_said" = 'F s.' ] && [ "$(sha256sum -z /dev/null 2>/dev/null | tr '\000' '.')" = "$empty_sha256  /dev/null." ] && quick=yes
}

# One pass over the tree: `dirs`, `files` as INODE:SIZE:MTIME/INODE:SIZE:MTIME:CTIME/LINKS/./path, `execs`, `links`; and `odd` has
# something in it when anything is of another kind or mode than a release has.
scan_tree() {
  into=$root_real/$scratch
  (
    cd "$scratch/tree" && find . -mindepth 1 \( -type d -fprintf "$into/dirs" 'D %p\0' -perm 755 \
      -o -type l -fprintf "$into/links" '%p\0' \
      -o -type f -fprintf "$into/files" '%i:%s:%T@/%i:%s:%T@:%C@/%n/%p\0' \
      \( ! -perm -100 -o -fprintf "$into/execs" 'X %p\0' \) \( -perm 755 -o -perm 644 \) \) \
      -o -fprintf "$into/odd" '%y\n'
  ) || write_failed 'the listing'
}

# From the scan: `found`, the listing; `known`, INODE:SIZE:MTIME/SHA256 of each file; and `snapshot`. What `trusted` knows is not hashed.
write_found() {
  (
    cd "$scratch" || exit 1
    : >>trusted
    sort -z -t / -k 1,1 files -o files
    join -z -t / trusted files >told
    join -z -t / -v 2 trusted files >strange
    refuse_strange_links
    cut -z -d / -f 4- strange >strange.paths
    (cd tree && hash_paths ../strange.paths) >hashes || exit 1
    paste -z -d ' ' hashes /dev/null strange.paths >hashed
    cut -z -d / -f 1 strange | paste -z -d / - hashes | cat - told | cut -z -d / -f 1,2 | sort -z -t / -k 1,1 -u >known
    { cut -z -d / -f 2,3 told && cut -z -d / -f 2 strange | paste -z -d / hashes -; } | sort -z -t / -k 2,2 -u >snapshot
    {
      sort -z dirs
      { cut -z -d / -f 2,5- told | sed -z 's,/,  ,' && cat hashed; } | sed -z 's/^/F /' | sort -z
      sort -z execs
      sort -z links | (cd tree && tell_links)
    } >found
  )
}

# The sha256 of each path in FILE, in their order, with a NUL after each. openssl uses what the CPU has for it and takes a third of the time,
# but ends its lines with a newline, and doesn't escape those of names.
hash_paths() {
  if [ "$(wc -c <"$1")" -gt 8192 ] && [ "$(tr -cd '\n' <"$1" | wc -c)" -eq 0 ] &&
    [ "$(openssl dgst -sha256 -r /dev/null 2>/dev/null)" = "$empty_sha256 */dev/null" ]; then
    xargs -0 openssl dgst -sha256 -r <"$1" >"$1.lines" && [ "$(wc -l <"$1.lines")" -eq "$(tr -cd '\000' <"$1" | wc -c)" ] &&
      cut -b 1-64 "$1.lines" | tr '\n' '\000' && return 0
    return 1
  fi
  xargs -0 -r sha256sum -z -- <"$1" >"$1.lines" && cut -z -b 1-64 "$1.lines"
}

# A file that was just unpacked has one name. One that has more, and isn't of the base, is of something outside.
refuse_strange_links() {
  grep -a -z -v '^[^/]*/[^/]*/1/' strange | sort -z -t / -k 1,1 >linked
  [ -s linked ] || return 0
  if [ -n "$base" ]; then cut -z -d / -f 2 base.now | sort -z -u >base.files; else : >base.files; fi
  join -z -t / -v 1 linked base.files | cut -z -d / -f 4- >outside
  [ ! -s outside ] || exit 1
}

# trust RELEASE: writes INODE:SIZE:MTIME/SHA256 of those files of a release that are as they were when they were hashed, and leaves
# what is there now in `base.now`.
trust() {
  (cd "releases/$1" && find . -type f -printf '%i:%s:%T@:%C@/%i:%s:%T@\0') | sort -z -t / -k 1,1 -u >"$scratch/base.now"
  [ -f ".deliver/manifests/$1/snapshot" ] || return 0
  join -z -t / -1 1 -2 2 "$scratch/base.now" ".deliver/manifests/$1/snapshot" | cut -z -d / -f 2,3 | sort -z -t / -k 1,1 -u
}

# After links to the files of a release were made or removed: its snapshot, of the files that FILE knows as `trust` writes it.
take_snapshot() {
  (cd "releases/$1" && find . -type f -printf '%i:%s:%T@/%i:%s:%T@:%C@\0') | sort -z -t / -k 1,1 -u |
    join -z -t / "$2" - | cut -z -d / -f 2,3 | sort -z -t / -k 2,2 >".deliver/new.$nonce" &&
    mv -f ".deliver/new.$nonce" ".deliver/manifests/$1/snapshot"
}

# Files of a release may have been written by what ran from it, or from releases that share them. Sets `altered` to the first file of
# RELEASE that is not what its listing says. `all`: hashes what is not known by all of its snapshot; `some`: by all but ctime, which
# changes when releases are removed.
find_altered() {
  altered=
  [ -f ".deliver/manifests/$1/snapshot" ] && find_quick || return 0
  if [ "$2" = all ] && [ -f ".deliver/manifests/$1/look" ] && looks_as_verified "$1"; then return 0; fi
  scratch=.deliver/known.$nonce
  mkdir "$scratch" || return 0
  tree=$root_real/releases/$1
  (
    cd "$scratch" && manifest=../manifests/$1 || exit 1
    cut -z -d / -f 2 "$manifest/snapshot" >keys
    what='%i:%s:%T@:%C@'
    if [ "$2" = some ]; then
      cut -z -d : -f 1-3 keys | sort -z -o keys
      what='%i:%s:%T@'
    fi
    # Names are asked for when there is something to find: without them, half as much is sorted.
    (cd "$tree" && find . -type f -printf "$what\0") | sort -z -u | comm -z -23 - keys >suspects
    [ -s suspects ] || exit 0
    (cd "$tree" && find . -type f -printf "$what/%p\0") | sort -z -t / -k 1,1 | join -z -t / - suspects | cut -z -d / -f 2- >paths
    (cd "$tree" && xargs -0 -r sha256sum -z -- <"$root_real/$scratch/paths") | sed -z 's/^/F /' | sort -z >hashed
    grep -a -z '^F ' "$manifest/listing" | comm -z -23 hashed - | cut -z -b 69- | sort -z >others
    grep -a -z '^F ' "$manifest/listing" | cut -z -b 69- | sort -z | comm -z -12 - others | tr '\n\000' '?\n' | head -n 1 >altered
  ) 2>/dev/null
  altered=$(cat "$scratch/altered" 2>/dev/null)
  altered=${altered#./}
  rm -rf "$scratch"
  scratch=
}

# The first path of the listing of RELEASE that is not there, or is of another kind: no program any more, say. Below shared paths, and
# where a file of values is linked, everything is the host's own.
find_lost() {
  kept=$root_real/.deliver/manifests/$1
  own=$(cat "$kept/shared" 2>/dev/null)
  find_quick
  (
    cd "releases/$1" || exit 1
    # shellcheck disable=SC2016
    paths_to_look_at |
      xargs -0 sh -c '
        shared=$1 nl="
"
        shift
        set -f
        for each do
          path=${each#? }
          case $each in
            D*) [ ! -d "$path" ] || [ -L "$path" ] || continue ;;
            F*) [ ! -f "$path" ] || [ -L "$path" ] || continue ;;
            X*) [ ! -x "$path" ] || continue ;;
            *) [ ! -L "$path" ] || continue ;;
          esac
          case $(readlink "$path") in *../../shared/*) continue ;; esac
          IFS=$nl
          for own in $shared; do
            case $path/ in "./${own%/}/"*) continue 2 ;; esac
          done
          printf "%s\n" "$path"
        done' sh "$own"
  ) 2>/dev/null | head -n 1
}

# Records of the listing, F without its hash. With the tools of GNU those that the tree lacks: thousands of files aren't looked at one by one.
paths_to_look_at() {
  if [ "$quick" = yes ]; then
    {
      grep -a -z '^[DXL] ' "$kept/listing"
      grep -a -z '^F ' "$kept/listing" | cut -z -b 1-2,69-
      # Twice, so that only what is in the listing alone stands alone.
      find . -mindepth 1 \( -type d -printf 'D %p\0D %p\0' -o -type l -printf 'L %p\0L %p\0' \
        -o -type f -printf 'F %p\0F %p\0' -perm -100 -printf 'X %p\0X %p\0' \)
    } | sort -z | uniq -z -u
  else
    # Newlines within names stand as the byte 1 while sed works on lines.
    tr '\n\000' '\001\n' <"$kept/listing" | sed -n 's/^F [0-9a-f]*  /F /; /^T /!p' | tr '\n\001' '\000\n'
  fi
}
