# --- Verb: migrate --------------------------------------------------------------------------------------------------

# Once for a release on this host. `.deliver/migrations/<release>` says `begun PID START` and then `done`; it outlives the release. One that was begun
# and neither done nor failed was cut off with this program or the host: it is not run again on its own, only `again`. What the command prints
# goes to a file and is told at the end, so that a connection that is lost doesn't kill it half-way; its end is in the journal.
do_migrate() {
  need_name release "$release"
  need_sha256 digest "$digest"
  need_number timeout "$timeout"
  need_number log-lines "$log_lines"
  begin_mutation
  find_session
  find_digest "$release" || end 19 "releases/$release is not on this host"
  [ "$digest_there" = "$digest" ] || end 11 "releases/$release has other content (digest $digest_there, wanted $digest)"
  [ -d .deliver/migrations ] || mkdir .deliver/migrations 2>/dev/null || write_failed .deliver/migrations
  migration=.deliver/migrations/$release
  read_migration "$migration"
  if [ "$again" != yes ]; then
    if [ "$migration_is" = "done" ]; then
      fact already yes
      end 0 "$release was migrated before"
    fi
    need_no_migration
    [ "$migration_is" != begun ] ||
      end 24 "the migration to $release was begun here before, and cut off: whether it was done is not known"
  fi
  (umask 077 && : >.deliver/migrate.log) 2>/dev/null || write_failed .deliver/migrate.log
  write_file "$migration" begun
  exec 3>.deliver/migrate.log
  DELIVER_PATH=$root
  export DELIVER_PATH
  limited_note=$migration
  run_limited "$timeout" "$root_real/releases/$release" sh -c "$command"
  limited_note=''
  exec 3>&-
  tail -n "$log_lines" .deliver/migrate.log
  if [ "$timed_out" = yes ]; then
    rm -f "$migration"
    end 17 "the migration was not done after $timeout s, and was killed"
  fi
  # Killed by somebody else, or by the kernel for want of memory: what it had done by then is not known.
  [ "$limited_code" -le 128 ] ||
    end 24 "the migration to $release was killed (exit code $limited_code): whether it was done is not known"
  if [ "$limited_code" -ne 0 ]; then
    read_migration "$migration"
    ! is_migrating || end 24 "the migration failed with exit code $limited_code, and processes of it still run"
    rm -f "$migration"
    end 20 "the migration failed with exit code $limited_code"
  fi
  (write_file "$migration" "done") >/dev/null ||
    end 24 "the migration to $release was done, but that can't be noted in $root/$migration"
  end 0 "migrated to $release"
}

# Sets `migration_is`: begun, done or nothing, and its process. A file that is empty was about to be written anew.
read_migration() {
  migration_is='' migration_pid='' migration_start=''
  [ -f "$1" ] || return 0
  read -r migration_is migration_pid migration_start <"$1" || :
  [ -n "$migration_is" ] || migration_is=begun
}

# Whether a process of it is there. One that took the number of its first process has another start; as long as others of its group
# live, the number is not given away. Where there is no /proc, one that only waits to be buried counts as well.
is_migrating() {
  [ "$migration_is" = begun ] && is_number "$migration_pid" || return 1
  if find_start "$migration_pid" && [ "$process_started" != "$migration_start" ]; then return 1; fi
  if [ ! -d /proc/self ]; then
    kill -s 0 -- "-$migration_pid" 2>/dev/null
    return
  fi
  for stat in /proc/[0-9]*/stat; do
    { read -r stat_line <"$stat"; } 2>/dev/null || continue
    # After the name, which may contain anything: state, parent, group.
    case ${stat_line##*) } in
      [ZX]*) ;;
      ?" "*" $migration_pid "*)
        stat_line=${stat_line##*) }
        stat_line=${stat_line#* * }
        [ "${stat_line%% *}" != "$migration_pid" ] || return 0
        ;;
    esac
  done
  return 1
}

# The lock goes with the program that was killed, and not with the migration that it started.
need_no_migration() {
  wanted_is=$migration_is
  for each in .deliver/migrations/*; do
    [ -f "$each" ] || continue
    read_migration "$each"
    ! is_migrating || end 13 "busy: the migration to ${each##*/} still runs here (pid $migration_pid)"
  done
  migration_is=$wanted_is
}
