# --- State, as it is read -------------------------------------------------------------------------------------------

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

has_word() {
  case " $2 " in *" $1 "*) return 0 ;; esac
  return 1
}

# The words of a list but one.
without() {
  for each in $2; do [ "$each" = "$1" ] || printf ' %s' "$each"; done
}

# Sets `digest_there`, of a complete release; fails when there is none.
find_digest() {
  [ -d "releases/$1" ] && [ ! -L "releases/$1" ] && [ -f ".deliver/manifests/$1/digest" ] &&
    read -r digest_there <".deliver/manifests/$1/digest" && is_sha256 "$digest_there"
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

tell_state() {
  if [ "$current" = - ]; then
    fact current none
  elif [ -n "$current" ]; then
    fact current "release $current"
  else
    fact_line current "foreign $current_what"
  fi
  for each in $good; do fact good "$each"; done
  [ -z "$on_trial" ] || fact unconfirmed "$on_trial $trial_release $trial_previous"
  [ -z "$via" ] || fact via "$via"
}

# A host that has a file of allowed signers takes no release that none of them signed, whatever a caller says. Root's file counts
# before that of the target. Who may sign is listed by the name of the app, as the principal.
find_signers() {
  for signers in /etc/deliver/allowed_signers "$root_real/.deliver/allowed_signers"; do
    if [ -e "$signers" ] || [ -L "$signers" ]; then return 0; fi
  done
  signers=
  return 1
}

# Whether a release need not be sent again with its signature.
is_signed_or_free() {
  [ -z "$signers" ] || [ "$1" = "$current" ] || [ -f ".deliver/manifests/$1/signature" ]
}

# The complete ones.
tell_releases() {
  find_signers || :
  for place in releases/*; do
    each=${place#releases/}
    is_name "$each" && find_digest "$each" && is_signed_or_free "$each" || continue
    mark=-
    has_word "$each" "$good" && mark=good
    has_word "$each" "$bad" && mark=bad
    fact release "$each $digest_there $mark"
  done
}

# Sets `previous_good`: the last release that was good before what runs.
find_previous_good() {
  previous_good=
  for each in $good; do
    [ "$each" = "$current" ] || previous_good=$each
  done
}

# Read-only verbs: goes where the layout is, if it is there.
look() {
  in_path=no root_real=$root current=- current_what=''
  load_nothing
  if cd -P "$root" 2>/dev/null; then
    in_path=yes
    root_real=$PWD
    read_current
    load_state
  elif [ -e "$root" ] || [ -L "$root" ]; then
    current='' current_what="unknown: $root can't be entered"
    return 1
  fi
}

