# --- The pointer ----------------------------------------------------------------------------------------------------------

# A value of the pointer's line: % and three octal digits stand for a byte. The dot keeps newlines at the end.
decode() {
  case $1 in
    *%*) printf '%b.' "$(printf '%s' "$1" | sed 's/%/\\0/g')" ;;
    *) printf '%s.' "$1" ;;
  esac
}

read_pointer() {
  fetch "$pointer_key" "$work/current.json" 65536 || return 1
  line=$(sed -n 's/^ *"boot": "\(1 [A-Za-z0-9._/:@,%= -]*\)",\{0,1\}$/\1/p' "$work/current.json" | head -n 1)
  [ -n "$line" ] || no "$pointer_key tells nothing for servers that boot: deploy once with a newer deliver" || return 1
  [ "$(printf '%s' "${line% line.sha256=*}" | hash)" = "${line##* line.sha256=}" ] || no "$pointer_key is damaged" || return 1
  check_signature && read_line "$line"
}

# The pointer says what root runs here. Where it is known who may sign, it counts when one of them signed this line: with the keys that
# came with this script, else with those that the server has.
check_signature() {
  find_allowed || return 0
  command -v ssh-keygen >/dev/null 2>&1 || no "there is no ssh-keygen on this server to verify the pointer with: install OpenSSH's client" || return 1
  signature_line=$(sed -n 's,^ *"signature": "\([A-Za-z0-9+/=]*\)"\,\{0\,1\}$,\1,p' "$work/current.json" | head -n 1)
  [ -n "$signature_line" ] || no "$pointer_key is not signed, and this server takes signed ones only" || return 1
  printf -- '-----BEGIN SSH SIGNATURE-----\n%s\n-----END SSH SIGNATURE-----\n' "$signature_line" >"$work/signature"
  set -- -Y verify -f "$allowed" -I "$app" -n deliver -s "$work/signature"
  [ ! -e "${allowed%/*}/revoked_signers" ] || set -- "$@" -r "${allowed%/*}/revoked_signers"
  printf 'deliver-pointer 1\n%s\n' "$line" | ssh-keygen "$@" >/dev/null 2>&1 ||
    no "$pointer_key: none who may sign for $app signed it"
}

# Sets `allowed`. What the pointer says of the path is not believed before it is verified; user data knows it.
find_allowed() {
  if [ -n "$signers" ]; then
    allowed=$work/allowed_signers
    printf '%s\n' "$signers" >"$allowed"
    return 0
  fi
  case $path in /*) allowed_root=$path ;; *) allowed_root=$user_home/$path ;; esac
  for allowed in /etc/deliver/allowed_signers "$allowed_root/.deliver/allowed_signers"; do
    if [ -e "$allowed" ] || [ -L "$allowed" ]; then return 0; fi
  done
  return 1
}

read_line() {
  generation='' fence='' release='' format='' keep='' shared='' guard='' service_words='' pointer_app='' pointer_environment=''
  archive_key='' archive_size='' archive_sha256='' listing_key='' listing_size='' listing_sha256=''
  agent_key='' agent_size='' agent_sha256='' statement='' signature='' check='' check_url='' check_status='' check_port='' check_command=''
  check_contains='' check_insecure='' uptime='' successes='' interval='' probe_timeout='' deadline=''
  set -f
  for word in $1; do
    value=$(decode "${word#*=}")
    value=${value%.}
    case ${word%%=*} in
      app) pointer_app=$value ;;
      environment) pointer_environment=$value ;;
      path) path=$value ;;
      health.check) check=$value ;;
      health.url) check_url=$value ;;
      health.status) check_status=$value ;;
      health.contains) check_contains=$value ;;
      health.insecure) check_insecure=$value ;;
      health.uptime) uptime=$value ;;
      health.port) check_port=$value ;;
      health.command) check_command=$value ;;
      health.successes) successes=$value ;;
      health.interval) interval=$value ;;
      health.timeout) probe_timeout=$value ;;
      health.deadline) deadline=$value ;;
      generation) generation=$value ;;
      fence) fence=$value ;;
      release) release=$value ;;
      format) format=$value ;;
      keep) keep=$value ;;
      shared) shared=$value ;;
      guard) guard=$value ;;
      archive.key) archive_key=$value ;;
      archive.size) archive_size=$value ;;
      archive.sha256) archive_sha256=$value ;;
      listing.key) listing_key=$value ;;
      listing.size) listing_size=$value ;;
      listing.sha256) listing_sha256=$value ;;
      agent.key) agent_key=$value ;;
      agent.size) agent_size=$value ;;
      agent.sha256) agent_sha256=$value ;;
      statement) statement=$value ;;
      signature) signature=$value ;;
      service.*) service_words="$service_words ${word#service.}" ;;
    esac
  done
  set +f
  check_line || no "$pointer_key is damaged, or of another version of deliver: its $wrong is not as it must be"
}

check_line() {
  wrong='app or environment'
  [ "$pointer_app" = "$app" ] && [ "$pointer_environment" = "$environment" ] || return 1
  for wrong in generation fence keep guard archive_size listing_size agent_size successes uptime interval probe_timeout deadline; do
    eval "is_number \"\$$wrong\"" || return 1
  done
  for wrong in archive_sha256 listing_sha256 agent_sha256; do eval "is_sha256 \"\$$wrong\"" || return 1; done
  wrong=release && is_name "$release" || return 1
  wrong=archive.key && is_key "$archive_key" "releases/$release" || return 1
  wrong=listing.key && is_key "$listing_key" "releases/$release" || return 1
  wrong=agent.key && is_key "$agent_key" agents || return 1
  wrong=format
  case $format in
    tar.zst) encoding=zstd ;;
    tar.gz) encoding=gzip ;;
    tar) encoding=none ;;
    *) return 1 ;;
  esac
  wrong=path
  case /$path/ in *"$nl"* | */../* | // | /-*) return 1 ;; esac
  wrong=health
  case $check in
    process | command) ;;
    tcp) is_number "$check_port" || return 1 ;;
    http) case $check_url in *[\"\\]* | *"$nl"*) return 1 ;; http://* | https://*) ;; *) return 1 ;; esac ;;
    *) return 1 ;;
  esac
  agent_file=agent-$(printf '%s' "$agent_sha256" | cut -c 1-16).sh
}
