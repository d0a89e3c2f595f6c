# --- Verbs: service, status, logs, run, journal ---------------------------------------------------------------------

do_service() {
  need_service
  [ -z "$port" ] || need_number port "$port"
  look
  tell_service
  end 0 told
}

do_status() {
  need_service
  [ -z "$port" ] || need_number port "$port"
  look
  fact_line path "$root"
  tell_state
  [ -z "$current" ] || fact previous-good "$(previous_good)"
  [ "$in_path" = no ] || tell_releases
  tell_service
  end 0 told
}

do_logs() {
  need_number lines "$lines"
  need_service
  look
  user_bus
  log_files | while IFS= read -r each; do fact_line log-file "$each"; done
  tell_log "$lines" || end 11 "$log_failed"
  end 0 told
}

do_run() {
  need_number timeout "$timeout"
  look
  find_session
  find_run_directory
  DELIVER_RELEASE=$current DELIVER_PATH=$root
  export DELIVER_RELEASE DELIVER_PATH
  exec 3>&1
  run_limited "$timeout" "$run_in" sh -c "$command"
  exec 3>&-
  [ "$timed_out" = no ] || end 0 "not done after $timeout s, and killed"
  printf '\n'
  fact exit "$limited_code"
  end 0 ran
}

find_run_directory() {
  case $dir in
    current) run_in=$root/current ;;
    release)
      need_name release "$release"
      [ "$in_path" = yes ] && digest_of "$release" >/dev/null || end 19 "releases/$release is not on this host"
      run_in=$root/releases/$release
      ;;
    home) run_in=$HOME ;;
    /*) run_in=$dir ;;
    *) bad_call "dir $dir" ;;
  esac
  [ -d "$run_in" ] || end 11 "$run_in is no directory"
}

do_journal() {
  need_number n "$n"
  look
  if [ "$in_path" = yes ]; then
    tail -n "$n" .deliver/journal 2>/dev/null | while IFS= read -r each; do fact_line journal "$each"; done
  fi
  end 0 told
}

