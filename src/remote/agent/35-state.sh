# --- State ----------------------------------------------------------------------------------------------------------

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

mark_bad() {
  good=$(without "$1" "$good")
  bad="$(without "$1" "$bad") $1"
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

