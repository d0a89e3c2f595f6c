# --- This host ------------------------------------------------------------------------------------------------------------

find_user() {
  [ -n "$user" ] || user=$(id -un)
  if [ "$(id -un)" != "$user" ] && [ "$(id -u)" != 0 ]; then
    no "run this as root, or as $user"
    return 1
  fi
  id "$user" >/dev/null 2>&1 || no "there is no user $user on this server" || return 1
  user_home=$(sed -n "s/^$user:[^:]*:[^:]*:[^:]*:[^:]*:\([^:]*\):.*/\1/p" /etc/passwd | head -n 1)
  [ -n "$user_home" ] || user_home=$(getent passwd "$user" 2>/dev/null | cut -d : -f 6)
  [ -n "$user_home" ] || user_home=/
}

# All that is done to the app is done as the user that deploys. No variable of ours goes along: no credentials either.
as_user() {
  set -- env -i "HOME=$user_home" "USER=$user" "LOGNAME=$user" "PATH=$PATH" "$@"
  if [ "$(id -un)" = "$user" ]; then
    "$@"
  elif command -v runuser >/dev/null 2>&1; then
    runuser -u "$user" -- "$@"
  elif command -v setpriv >/dev/null 2>&1; then
    setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups "$@"
  else
    # shellcheck disable=SC2016
    su -s /bin/sh "$user" -c 'exec "$@"' sh "$@"
  fi
}

enter_root() {
  case $path in /*) root=$path ;; *) root=$user_home/$path ;; esac
}

make_root() {
  [ ! -d "$root" ] || return 0
  case $path in
    /*) mkdir -p "$root" && { [ "$(id -u)" != 0 ] || chown "$user:$(id -g "$user")" "$root"; } ;;
    *) as_user mkdir -p "$root" ;;
  esac || no "$root can't be created"
}

# ask VERB ARGUMENT...: calls the agent; sets `code` and `told`. What it logs is shown without what steers a terminal.
ask() {
  answer_of "$agent" "$@"
}

answer_of() {
  program=$1 verb=$2
  nonce=$(od -An -N 8 -tx1 /dev/urandom | tr -d ' \n')
  shift 2
  if [ "$verb" = install ]; then
    # shellcheck disable=SC2016
    as_user sh -c 'agent_text=$(cat; echo .); agent_text=${agent_text%.}; eval "$agent_text"' sh "$nonce" install "path=$root" "$@" <"$program" >"$work/answer" 2>&1
  else
    as_user sh "$program" "$nonce" "$verb" "path=$root" "$@" >"$work/answer" 2>&1
  fi
  ended=$(sed -n "s/^@$nonce end //p" "$work/answer" | tail -n 1)
  [ -n "$ended" ] || ended="20 it ended before its answer"
  code=${ended%% *} told=${ended#* }
  sed -e "/^@$nonce /d" -e '/^$/d' "$work/answer" | tr -d '\000-\010\013-\037\177' | tail -n 60 | sed 's/^/  /'
  [ "$code" = 0 ] || no "$verb: $told"
}

facts() {
  sed -n "s/^@$nonce $1 //p" "$work/answer"
}

# With the arguments that tell the agent how the service is started.
ask_with_service() {
  for word in $service_words; do
    value=$(decode "${word#*=}")
    set -- "$@" "${word%%=*}=${value%.}"
  done
  ask "$@"
}

# --- What this server has seen --------------------------------------------------------------------------------------------

# Sets `seen`, the generation installed last, and `kept`, the pointer's line then, if it was on this very server.
load_seen() {
  seen=0 kept='' seen_where='' seen_generation='' seen_instance='' seen_machine='' seen_line=''
  as_user cat "$root/.deliver/generation" 2>/dev/null >"$work/seen" || return 0
  read -r seen_where seen_generation seen_instance seen_machine seen_line <"$work/seen" || return 0
  [ "$seen_where" = "$place" ] && is_number "$seen_generation" || return 0
  seen=$seen_generation
  [ "$seen_machine" = "$machine" ] || return 0
  [ "$seen_instance" = "$instance" ] || [ "$seen_instance" = - ] || [ "$instance" = - ] || return 0
  kept=$seen_line
}

save_seen() {
  # shellcheck disable=SC2016
  printf '%s %s %s %s %s\n' "$place" "$generation" "$instance" "$machine" "$line" |
    as_user sh -c 'cat >"$1.new" && sync && mv -f "$1.new" "$1"' sh "$root/.deliver/generation" || say "$root/.deliver/generation was not written"
}
