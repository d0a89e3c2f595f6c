# --- Checks of arguments --------------------------------------------------------------------------------------------

is_name() {
  case $1 in
    '' | [-.]* | *[!A-Za-z0-9._-]* | *..*) return 1 ;;
  esac
  [ ${#1} -le 128 ]
}

is_number() {
  case $1 in
    '' | *[!0-9]* | 0[0-9]*) return 1 ;;
  esac
  [ ${#1} -le 15 ]
}

is_sha256() {
  case $1 in
    *[!0-9a-f]*) return 1 ;;
  esac
  [ ${#1} -eq 64 ]
}

is_variable() {
  case $1 in
    '' | [0-9]* | *[!A-Za-z0-9_]*) return 1 ;;
  esac
}

need_name() {
  is_name "$2" || bad_call "$1 is not a name"
}

need_number() {
  is_number "$2" || bad_call "$1 is not a number"
}

need_sha256() {
  is_sha256 "$2" || bad_call "$1 is not a sha256"
}

