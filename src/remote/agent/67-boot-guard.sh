# --- The guard after a reboot ---------------------------------------------------------------------------------------

# What the boot of the host runs is `.deliver/boot-guard.sh`: the guard of the last switch once more, with all of its time,
# because whoever is to confirm may still be there. Once the switch is confirmed it ends at once. How the boot comes to
# run it is set up once per target: by a unit of systemd for root, else by the user's crontab, else by a unit of the user's
# own systemd where that starts at boot (loginctl enable-linger). None of them needs anything installed, and each
# takes itself away when the target has gone. DELIVER_BOOT_GUARD=off in the login's environment: nothing is set up.

# Sets `boot_way`: systemd, cron, user, or nothing.
find_boot_way() {
  boot_way=
  [ "${DELIVER_BOOT_GUARD:-on}" != off ] || return 0
  # Units and crontabs have quoting rules of their own.
  case $root_real in *[!A-Za-z0-9._/-]*) return 0 ;; esac
  if is_root && [ -d /run/systemd/system ] && [ -w /etc/systemd/system ]; then
    boot_way='systemd' boot_units=/etc/systemd/system boot_target=multi-user.target
  elif cron_is_there; then
    boot_way='cron'
  elif [ -d /run/systemd/system ] && [ -e "/var/lib/systemd/linger/$(id -un)" ]; then
    boot_way='user' boot_units=$HOME/.config/systemd/user boot_target=default.target
  fi
}

# A crontab without a daemon that reads it would promise too much.
cron_is_there() {
  command -v crontab >/dev/null 2>&1 || return 1
  if [ -f /etc/cron.allow ]; then
    grep -qx "$(id -un)" /etc/cron.allow 2>/dev/null || return 1
  elif [ -f /etc/cron.deny ]; then
    ! grep -qx "$(id -un)" /etc/cron.deny 2>/dev/null || return 1
  fi
  for each in /proc/[0-9]*/comm; do
    { read -r comm <"$each"; } 2>/dev/null || continue
    case $comm in cron | crond) return 0 ;; esac
  done
  return 1
}

# Tells how long the guard of a switch lasts: until a reboot, or beyond it; and then why not: `off` was chosen, the `path` is
# none that units and crontabs may hold, or nothing starts it at boot (`boot`).
tell_guard() {
  if [ -n "$boot_way" ]; then
    fact guard-survives reboot
    return 0
  fi
  guard_ends='boot'
  case $root_real in *[!A-Za-z0-9._/-]*) guard_ends='path' ;; esac
  [ "${DELIVER_BOOT_GUARD:-on}" != off ] || guard_ends='off'
  fact guard-ends "$guard_ends"
  if [ -n "$session_with" ]; then
    fact guard-survives session
  else
    fact guard-survives none
  fi
}

# Before a switch. A host on which it fails is guarded until a reboot, which is told and no reason not to deploy.
prepare_boot_guard() {
  find_boot_way
  if [ -n "$boot_way" ]; then
    write_boot_script
    boot_mark=deliver-guard-$(printf '%s' "$root_real" | hash_stdin | cut -c 1-12)
    if [ "$boot_way" = cron ]; then
      install_boot_line || boot_way=
    else
      install_boot_unit || boot_way=
    fi
  fi
  tell_guard
}

write_boot_script() {
  boot_script=$root_real/.deliver/boot-guard.sh
  case $agent_file in /*) boot_agent=$agent_file ;; *) boot_agent=$root_real/.deliver/${agent_file##*/} ;; esac
  boot_text="#!/bin/sh
# Written by deliver for the time after a reboot: goes back from $release unless somebody confirms it.
PATH=$(pasteable "$PATH") HOME=$(pasteable "$HOME")
export PATH HOME
cd / || exit 1
exec sh $(pasteable "$boot_agent") boot guard"
  for each in "path=$root" "id=$id" "guard=$guard" "fence=$fence" "service=$service" "unit=$unit" "user=$user" "job=$job" \
    "name=$name" "start=$start" "restart=$restart" "stop=$stop" "restart-timeout=$restart_timeout"; do
    boot_text="$boot_text $(pasteable "$each")"
  done
  # The commands of the config may hold what others on the host needn't read.
  boot_umask=$(umask)
  umask 077
  write_file .deliver/boot-guard.sh "$boot_text >/dev/null 2>&1 </dev/null"
  umask "$boot_umask"
}

install_boot_unit() {
  boot_unit=$boot_units/$boot_mark.service
  boot_link=$boot_units/$boot_target.wants/$boot_mark.service
  # KillMode: what the guard's restart leaves running is the service.
  boot_text="# Written by deliver. Goes away by itself once $root_real has gone.
[Unit]
Description=Goes back from a release in $root_real that nobody confirmed before a reboot
RequiresMountsFor=$root_real
[Service]
ExecStart=/bin/sh -c 'if [ -f $boot_script ]; then exec sh $boot_script; fi; rm -f $boot_link $boot_unit'
KillMode=process
[Install]
WantedBy=$boot_target"
  [ "$(cat "$boot_unit" 2>/dev/null)" != "$boot_text" ] || [ ! -L "$boot_link" ] || return 0
  {
    mkdir -p "${boot_link%/*}" && printf '%s\n' "$boot_text" >"$boot_unit.$nonce" &&
      mv -f "$boot_unit.$nonce" "$boot_unit" && ln -sfn "$boot_unit" "$boot_link" &&
      sync_path "$boot_unit" && sync_path "${boot_link%/*}"
  } 2>/dev/null
}

# Without a crontab `crontab -l` fails, as it does where crontabs are forbidden; then writing one fails too.
install_boot_line() {
  boot_line="@reboot [ -f $boot_script ] || sleep 60; if [ -f $boot_script ]; then exec sh $boot_script; fi; crontab -l | grep -vF $boot_mark | crontab - # $boot_mark"
  boot_table=$(crontab -l 2>/dev/null </dev/null)
  case $nl$boot_table$nl in *"$nl$boot_line$nl"*) return 0 ;; esac
  {
    [ -z "$boot_table" ] || printf '%s\n' "$boot_table" | grep -vF "$boot_mark"
    printf '%s\n' "$boot_line"
  } | crontab - >/dev/null 2>&1 9>&-
  boot_table=$(crontab -l 2>/dev/null </dev/null)
  case $nl$boot_table$nl in *"$nl$boot_line$nl"*) return 0 ;; esac
  return 1
}
