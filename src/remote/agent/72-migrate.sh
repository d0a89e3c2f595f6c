# --- Verb: migrate --------------------------------------------------------------------------------------------------

# Once for a release on this host: markers beside its listing say that it was begun, and that it was done. One that was begun and neither
# done nor failed was cut off with this program or the host: it is not run again on its own, only `again`. What the command prints
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
  migrated=.deliver/manifests/$release/migrated migrating=.deliver/manifests/$release/migrating
  if [ "$again" = yes ]; then
    rm -f "$migrated"
  elif [ -f "$migrated" ]; then
    fact already yes
    end 0 "$release was migrated before"
  elif [ -f "$migrating" ]; then
    end 24 "the migration to $release was begun here before, and cut off: whether it was done is not known"
  fi
  write_file "$migrating" "$(date +%s)"
  (umask 077 && : >.deliver/migrate.log) 2>/dev/null || write_failed .deliver/migrate.log
  exec 3>.deliver/migrate.log
  DELIVER_PATH=$root
  export DELIVER_PATH
  run_limited "$timeout" "$root_real/releases/$release" sh -c "$command"
  exec 3>&-
  tail -n "$log_lines" .deliver/migrate.log
  if [ "$timed_out" = yes ] || [ "$limited_code" -ne 0 ]; then
    rm -f "$migrating"
    [ "$timed_out" = no ] || end 17 "the migration was not done after $timeout s, and was killed"
    end 20 "the migration failed with exit code $limited_code"
  fi
  { mv -f "$migrating" "$migrated" && sync_path "${migrated%/*}"; } 2>/dev/null ||
    end 24 "the migration to $release was done, but that can't be noted in $root/$migrated"
  end 0 "migrated to $release"
}

