# --- Verb: run ------------------------------------------------------------------------------------------------------

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
      [ "$in_path" = yes ] && find_digest "$release" || end 19 "releases/$release is not on this host"
      run_in=$root/releases/$release
      ;;
    home) run_in=$HOME ;;
    /*) run_in=$dir ;;
    *) bad_call "dir $dir" ;;
  esac
  [ -d "$run_in" ] || end 11 "$run_in is no directory"
}

