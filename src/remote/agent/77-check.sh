# --- Verbs: check, sweep ----------------------------------------------------------------------------------------------

# What `deliver check` asks: a probe, and all that a deploy would find out later, or never. What is tried is taken back.
do_check() {
  tell_probe
  if [ "$in_path" = yes ]; then
    check_places
    check_shared
    tell_leftovers
    check_owner
    check_current
  fi
  check_unit
  check_command_sudo
  [ "$service$user" != systemd ] || check_password systemctl restart "$unit"
  tell_service
  end 0 checked
}

check_places() {
  if [ -d .deliver/trash ]; then probe_directory .deliver/trash; fi
  [ ! -e .deliver/lock ] || [ -w .deliver/lock ] ||
    problem permission "$root/.deliver/lock can't be written: it belongs to $(owner_of .deliver/lock). $(ownership_fix)"
  # The dot: what a link leads to.
  [ ! -d shared ] || [ "$(device_of shared/.)" = "$(device_of .)" ] || fact shared-elsewhere yes
}

# What a release would be staged without: directories that are missing are made then, files are not.
check_shared() {
  set -f
  IFS=$nl
  for entry in $shared; do
    unset IFS
    wanted=${entry%/}
    [ ! -e "shared/$wanted" ] || continue
    if [ ! -L "shared/$wanted" ]; then
      case $entry in */) continue ;; esac
      case ${wanted##*/} in *.*) ;; *) continue ;; esac
    fi
    fact_line shared-missing "$wanted"
  done
  unset IFS
  set +f
}

# Left by steps that were killed, or that a deploy is at.
tell_leftovers() {
  for place in .deliver/incoming/* .deliver/incoming/.[!.]* .deliver/trash/* .deliver/new-agent.*; do
    [ -e "$place" ] || [ -L "$place" ] || continue
    fact_line leftover "${place#.deliver/}"
  done
}

# What belongs to somebody else can't be replaced, and not be removed with its release. shared/ is the app's own.
check_owner() {
  ! is_root || return 0
  foreign=$(find . -path ./shared -prune -o ! -user "$uid" -print 2>/dev/null | head -n 1)
  [ -z "$foreign" ] || fact_line foreign-owner "${foreign#./} belongs to $(owner_of "$foreign")"
}

check_current() {
  case $current in '' | -) return 0 ;; esac
  has_way_back || return 0 # told by the probe
  if ! find_digest "$current"; then
    problem incomplete "$root/current names releases/$current, which is no complete release"
    return 0
  fi
  lost=$(find_lost "$current")
  [ -z "$lost" ] || problem incomplete "releases/$current is not what its listing says: ${lost#./} is gone, or is no file, link or program any more"
  find_altered "$current" some
  [ -z "$altered" ] || fact_line altered "$altered"
}

# Whether a restart would start what `current` names, and a boot would start anything.
check_unit() {
  [ "$service" = systemd ] || return 0
  shown=$(systemctl_shows show -p WorkingDirectory -p ExecStart -p NeedDaemonReload -p UnitFileState "$unit" 2>/dev/null)
  [ -n "$shown" ] || return 0
  case $shown in
    *"$root/current"* | *"$root_real/current"*) fact unit-place current ;;
    *"$root/releases/"* | *"$root_real/releases/"*) fact unit-place release ;;
    *) fact unit-place elsewhere ;;
  esac
  case $shown in *NeedDaemonReload=yes*) fact unit-stale yes ;; esac
  case $shown in *UnitFileState=disabled* | *UnitFileState=masked*) fact unit-at-boot no ;; esac
}

# A restart command that is one plain call of sudo. What a shell would make of any other is not guessed at.
check_command_sudo() {
  [ "$service" = command ] || return 0
  case $restart in
    *[!A-Za-z0-9\ ./_@:=+,-]*) return 0 ;;
    'sudo '*) ;;
    *) return 0 ;;
  esac
  set -f
  # shellcheck disable=SC2086 # its words
  set -- $restart
  set +f
  shift
  [ "${1:-}" != -n ] || shift
  case ${1:--} in -*) return 0 ;; esac
  probe_sudo "$@"
  check_password "$@"
}

# As soon as any command needs no password, sudo lists one that does as allowed too. So its rules are read.
check_password() {
  ! is_root || return 0
  allowed=$(sudo -n -l "$@" 2>/dev/null) && rules=$(sudo -n -l 2>/dev/null) || return 0
  case $rules in *'!authenticate'*) return 0 ;; esac
  without_password=no
  set -f
  IFS=$nl
  for rule in $rules; do
    case $rule in *NOPASSWD:*) ;; *) continue ;; esac
    rule=${rule#*NOPASSWD: }
    IFS=,
    for each in ${rule%%, PASSWD:*}; do
      each=${each# }
      # shellcheck disable=SC2254 # the wildcards of sudoers are those of a shell
      case $allowed in $each | "$each "*) without_password=yes ;; esac
      [ "$each" != ALL ] || without_password=yes
    done
    IFS=$nl
  done
  unset IFS
  set +f
  [ "$without_password" = yes ] || fact_line sudo-password "$allowed"
}

# Removes what steps that were killed have left, and nothing else.
do_sweep() {
  begin_mutation
  tell_leftovers
  sweep_incoming ''
  rm -f .deliver/new-agent.* 2>/dev/null
  empty_trash || end 20 "some of $root/.deliver/trash can't be removed: it belongs to somebody else, or is immutable"
  end 0 swept
}
