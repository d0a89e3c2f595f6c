# --- The group's lifecycle hook -------------------------------------------------------------------------------------------

encode() {
  printf '%s' "$1" | hex | sed 's/../%&/g'
}

# lifecycle ACTION [RESULT]: CompleteLifecycleAction, or RecordLifecycleActionHeartbeat. In a subshell: the group is in the region
# of the instance, the bucket may be in another.
lifecycle() (
  [ -n "$hook" ] && [ "$instance" != - ] || exit 1
  body="Action=$1&Version=2011-01-01&AutoScalingGroupName=$(encode "$group")&LifecycleHookName=$(encode "$hook")&InstanceId=$instance"
  [ -z "${2:-}" ] || body="$body&LifecycleActionResult=$2"
  imds_login && credentials && region=${hook_region:-$(imds placement/region)} && [ -n "$region" ] || exit 1
  endpoint=${AWS_ENDPOINT_URL_AUTO_SCALING:-$scaling_endpoint}
  case $endpoint in *'{region}'*) endpoint=${endpoint%%'{region}'*}$region${endpoint#*'{region}'} ;; esac
  printf '%s' "$body" >"$work/body"
  {
    printf 'url = "%s/"\nheader = "content-type: application/x-www-form-urlencoded"\n' "${endpoint%/}"
    sign autoscaling POST "${endpoint%/}/" "$work/body"
  } >"$work/request"
  curl -q -sS --fail -m 20 -o /dev/null --data-binary "@$work/body" -K "$work/request" </dev/null
  completed=$?
  rm -f "$work/request"
  exit $completed
)

# A group that gets no answer waits for the hook's own timeout, and then does what the hook says.
tell_group() {
  [ "$command" = boot ] && [ -n "$hook" ] || return 0
  [ "$instance" != - ] || identify
  for pause in 1 3 9 27 0; do
    if lifecycle CompleteLifecycleAction "$1"; then
      say "lifecycle hook $hook: $1"
      return 0
    fi
    sleep "$pause"
  done
  say "lifecycle hook $hook: $1 could not be told to the group $group"
}

# --- Main -----------------------------------------------------------------------------------------------------------------

# Starts what this very server ran last for good, when what it ought to run can't be had.
keep_last_good() {
  enter_root
  load_seen
  [ -n "$kept" ] && read_line "$kept" || return 1
  enter_root
  agent=$root/.deliver/$agent_file code=''
  as_user test -f "$agent" && ask probe || return 1
  current=$(facts current | sed -n 's/^release //p')
  [ -n "$current" ] && [ -z "$(facts unconfirmed)" ] || return 1
  listing_sha256=$(facts release | sed -n "s/^$current \([0-9a-f]*\) .*/\1/p")
  fence_seen=$(facts fence)
  release=$current fence=${fence_seen:-$fence} id=boot-$nonce
  is_sha256 "$listing_sha256" || return 1
  runs || switch
}

try_until_late() {
  pause=1 kept_runs=no end_of_tries=$(($(now) + retry_for))
  while ! attempt; do
    say "$why"
    said=$why
    [ "$kept_runs" = yes ] || ! keep_last_good || kept_runs=yes
    why=$said
    left=$((end_of_tries - $(now)))
    [ "$left" -gt 0 ] || return 1
    [ "$pause" -lt "$left" ] || pause=$left
    [ "$command" != boot ] || lifecycle RecordLifecycleActionHeartbeat 2>/dev/null || :
    say "trying again in $pause s, for $left s"
    sleep "$pause"
    pause=$((pause * 2))
    [ "$pause" -le 30 ] || pause=30
  done
}

main() {
  command=${1:-}
  why='' fenced=no code=0 token='' instance=- end_of_tries=0
  case $command in
    boot | update | status) ;;
    *)
      say "usage: deliver-agent boot|update|status"
      exit 2
      ;;
  esac
  exec </dev/null
  find_hash || why='no sha256sum, shasum or openssl on this server'
  [ -n "$why" ] || find_user
  if [ -n "$why" ]; then
    say "$why"
    exit 2
  fi
  work=$(mktemp -d /var/tmp/deliver-boot.XXXXXX) || exit 3
  trap 'rm -rf "$work"' EXIT
  trap 'exit 143' TERM INT HUP
  # What killed runs left.
  find /var/tmp -maxdepth 1 -name 'deliver-boot.*' -user "$(id -un)" -mtime +0 -exec rm -rf {} + 2>/dev/null
  identify
  [ "$command" != status ] || tell
  if try_until_late; then
    [ "$fenced" = yes ] || say "$app $environment: $release runs, generation $generation"
    tell_group CONTINUE
    exit 0
  fi
  if [ "$kept_runs" = yes ]; then
    say "$app $environment: the last good release of this server runs, not what the pointer names: $why"
    tell_group CONTINUE
    exit 1
  fi
  say "$app $environment: nothing was started: $why"
  tell_group ABANDON
  exit 3
}

tell() {
  enter_root
  load_seen
  say "$app $environment in $root: generation $seen, $(as_user readlink "$root/current" 2>/dev/null || echo 'no release')"
  exit 0
}

main "$@"
