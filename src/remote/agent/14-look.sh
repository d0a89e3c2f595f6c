# --- Verbs: service, status, logs, journal ---------------------------------------------------------------------------

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
  find_previous_good
  [ -z "$current" ] || fact previous-good "$previous_good"
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

do_journal() {
  need_number n "$n"
  look
  if [ "$in_path" = yes ]; then
    tail -n "$n" .deliver/journal 2>/dev/null | while IFS= read -r each; do fact_line journal "$each"; done
  fi
  end 0 told
}

