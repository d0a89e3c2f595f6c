# --- Writing --------------------------------------------------------------------------------------------------------

# Bytes of a file, or entries of a directory, to the disk. Old versions of sync know no files and sync everything.
sync_path() {
  case $sync_with in
    file) sync "$1" 2>/dev/null ;;
    *) sync ;;
  esac
}

find_sync() {
  if is_known sync:file || sync .deliver 2>/dev/null; then sync_with='file'; else sync_with='all'; fi
}

# A small file is replaced as a whole or not at all, also by a power cut.
write_file() {
  if { printf '%s\n' "$2" >".deliver/new.$nonce" && sync_path ".deliver/new.$nonce"; } 2>/dev/null &&
    mv -f ".deliver/new.$nonce" "$1" && sync_path "${1%/*}"; then
    return 0
  fi
  rm -f ".deliver/new.$nonce"
  write_failed "$1"
}

journal_line() {
  one_line "$2" '  '
  printf '%s %s %s %s %s\n' "$(date +%s)" "${fence:-0}" "$verb" "${release:--}" "$1 $line" >>.deliver/journal 2>/dev/null
}

