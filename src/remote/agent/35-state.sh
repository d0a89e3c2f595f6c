# --- State ----------------------------------------------------------------------------------------------------------

load_nothing() {
  on_trial='' trial_release='' trial_previous='' confirmed='' reverted='' withdrawn='' via='' good='' bad=''
}

load_state() {
  load_nothing
  [ -f .deliver/state ] || return 0
  while read -r key one two three _; do
    case $key in
      unconfirmed) on_trial=$one trial_release=$two trial_previous=$three ;;
      confirmed) confirmed="$one $two" ;;
      reverted) reverted="$one $two $three" ;;
      withdrawn) withdrawn="$one $two" ;;
      via) via=$one ;;
      good) good="$good $one" ;;
      bad) bad="$bad $one" ;;
    esac
  done <.deliver/state
}

save_state() {
  write_file .deliver/state "$(
    [ -z "$on_trial" ] || echo "unconfirmed $on_trial $trial_release $trial_previous"
    [ -z "$confirmed" ] || echo "confirmed $confirmed"
    [ -z "$reverted" ] || echo "reverted $reverted"
    [ -z "$withdrawn" ] || echo "withdrawn $withdrawn"
    [ -z "$via" ] || echo "via $via"
    for each in $good; do echo "good $each"; done
    for each in $bad; do echo "bad $each"; done
  )"
}

# The words of a list but one.
without() {
  for each in $2; do [ "$each" = "$1" ] || printf ' %s' "$each"; done
}

has_word() {
  case " $2 " in *" $1 "*) return 0 ;; esac
  return 1
}

mark_bad() {
  good=$(without "$1" "$good")
  bad="$(without "$1" "$bad") $1"
}

# The digest of a complete release; fails when there is none.
digest_of() {
  [ -d "releases/$1" ] && [ ! -L "releases/$1" ] && [ -f ".deliver/manifests/$1/digest" ] &&
    read -r known_digest <".deliver/manifests/$1/digest" && is_sha256 "$known_digest" && printf '%s' "$known_digest"
}

# Sets `current`: a release, `-` for none, or empty with `current_what` when it is not ours.
read_current() {
  current='' current_what=''
  if [ -L current ]; then
    link=$(readlink current)
    for start in releases/ ./releases/ "$root/releases/" "$root_real/releases/"; do
      case $link in "$start"*) current=${link#"$start"} current=${current%/} ;; esac
    done
    is_name "$current" && return 0
    current='' current_what="a link to $link"
  elif [ -d current ]; then
    current_what='a directory'
  elif [ -e current ]; then
    current_what='a file'
  else
    current=-
  fi
}

need_own_current() {
  read_current
  [ -n "$current" ] ||
    end 11 "$root/current is $current_what, not a link into releases/. Move it away first, e.g. mv $(pasteable "$root/current") $(pasteable "$root/current.before")"
}

# The switch: one rename, of a link that was made aside.
switch_to() {
  if [ "$1" = - ]; then
    rm -f current
  else
    ln -s "releases/$1" ".deliver/current.$nonce" 2>/dev/null || write_failed "the link for current"
    rename ".deliver/current.$nonce" current || end 20 "can't rename over $root/current: it belongs to $(owner_of .)"
  fi
  sync_path .
  current=$1
}

