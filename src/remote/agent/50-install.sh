# --- Verb: install --------------------------------------------------------------------------------------------------

# Run from its own text, which the wire left in `agent_text`.
do_install() {
  case $file in
    agent-*[!a-z0-9.-]* | */*) bad_call 'file is not the name of an agent' ;;
    agent-*.sh) ;;
    *) bad_call 'file is not the name of an agent' ;;
  esac
  need_sha256 sha256 "$sha256"
  trap '' HUP PIPE
  enter_layout
  find_hash || end 11 'no sha256sum and no shasum on this host'
  temporary=.deliver/new-agent.$nonce
  # shellcheck disable=SC2154 # set by the wire
  { printf '%s' "$agent_text" >"$temporary" && chmod 700 "$temporary" && sync_path "$temporary"; } 2>/dev/null ||
    write_failed 'the agent'
  [ "$(hash_stdin <"$temporary")" = "$sha256" ] || end 15 'the agent did not arrive as it was sent'
  mv -f "$temporary" ".deliver/$file" || write_failed 'the agent'
  end 0 installed
}

