# --- Verb: migrate --------------------------------------------------------------------------------------------------

# Once for a release on this host: a marker beside its listing says that it was done. What the command prints goes to a file
# and is told at the end, so that a connection that is lost doesn't kill it half-way; its end is in the journal.
do_migrate() {
  need_name release "$release"
  need_sha256 digest "$digest"
  need_number timeout "$timeout"
  need_number log-lines "$log_lines"
  begin_mutation
  find_session
  find_digest "$release" || end 19 "releases/$release is not on this host"
  [ "$digest_there" = "$digest" ] || end 11 "releases/$release has other content (digest $digest_there, wanted $digest)"
  marker=.deliver/manifests/$release/migrated
  if [ -f "$marker" ]; then
    fact already yes
    end 0 "$release was migrated before"
  fi
  (umask 077 && : >.deliver/migrate.log) 2>/dev/null || write_failed .deliver/migrate.log
  exec 3>.deliver/migrate.log
  DELIVER_PATH=$root
  export DELIVER_PATH
  run_limited "$timeout" "$root_real/releases/$release" sh -c "$command"
  exec 3>&-
  tail -n "$log_lines" .deliver/migrate.log
  [ "$timed_out" = no ] || end 17 "the migration was not done after $timeout s, and was killed"
  [ "$limited_code" -eq 0 ] || end 20 "the migration failed with exit code $limited_code"
  write_file "$marker" "$(date +%s)"
  end 0 "migrated to $release"
}

