# --- Answers --------------------------------------------------------------------------------------------------------

fact() {
  printf '@%s %s %s\n' "$nonce" "$1" "$2"
}

# Sets `line`: a text with CHARACTERS where it has newlines and carriage returns. Processes are dear: one is started
# only for what may be one, and that is all that is not known to be none.
one_line() {
  case $1 in
    *[!A-Za-z0-9\ ./:_@,\;=+%~\(\)\'\"-]*) line=$(printf '%s' "$1" | tr '\n\r' "$2") ;;
    *) line=$1 ;;
  esac
}

# Values that come from the host's file system or tools must stay on their line.
fact_line() {
  one_line "$2" '??'
  fact "$1" "$line"
}

# Log text: people see it, nothing is read from it.
log() {
  printf '%s\n' "$*"
}

# The one way out. The empty line ends what a command left without a newline.
end() {
  end_code=$1
  shift
  [ "$journaled" = no ] || journal_line "$end_code" "$*"
  clean_up
  one_line "$*" '  '
  printf '\n@%s end %s %s\n' "$nonce" "$end_code" "$line"
  exit "$end_code"
}

bad_call() {
  end 10 "bad call: $*"
}

# A failed write. Whether the disk is full is found out by trying, not by the words of an error message.
write_failed() {
  has_room && end 20 "can't write $1 in $root"
  end 14 "no space: can't write $1 in $root ($(free_of . k) KiB and $(free_of . i) inodes free, or a quota)"
}

clean_up() {
  [ -z "$scratch" ] || rm -rf "$scratch"
  [ -z "$temporary" ] || rm -rf "$temporary"
  [ -z "$lock_kind" ] || release_lock
  trap - EXIT
}

# Text that can be pasted into a shell.
pasteable() {
  case $1 in
    *[!A-Za-z0-9/._~:@%+=-]* | '') printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf '%s' "$1" ;;
  esac
}

