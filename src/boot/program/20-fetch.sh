# --- Fetching -------------------------------------------------------------------------------------------------------------

# get URL FILE SIZE: at most that many bytes, with the headers in $work/headers. A cut download is gone on with.
get() {
  part=$2.part
  {
    printf 'url = "%s"\noutput = "%s"\n' "$1" "$part"
    cat "$work/headers"
    left=$((end_of_tries - $(now)))
    [ "$left" -gt 10 ] || left=10
    printf 'max-time = %s\n' "$left"
    [ ! -s "$part" ] || printf 'continue-at = "%s"\n' "$(($(wc -c <"$part")))"
  } >"$work/request"
  # What goes on arriving is bounded here, whatever its length is said to be; and so is a server that goes on sending nothing.
  status=$(
    ulimit -f $(($3 / 512 + 8))
    exec curl -q -sS --fail --proto =http,https --connect-timeout 10 --speed-limit 1 --speed-time 30 -w '%{http_code}' -K "$work/request" </dev/null
  )
  got=$?
  rm -f "$work/request"
  case $got in
    0) mv -f "$part" "$2" ;;
    # No ranges there, or nothing left to send.
    33) rm -f "$part" && no "$key: the download can't be continued" ;;
    22) rm -f "$part" && no "$key: HTTP status $status" ;;
    *) no "$key: curl ended with $got" ;;
  esac
}

# fetch KEY FILE SIZE [SHA256]: with a sha256 exactly that, without it at most SIZE bytes.
fetch() {
  key=$1
  [ -z "${4:-}" ] || ! is_whole "$2" "$3" "$4" || return 0
  rm -f "$2"
  [ -n "${4:-}" ] || rm -f "$2.part"
  : >"$work/headers"
  case $from in
    role) fetch_aws "$@" || fetch_signed "$@" || return 1 ;;
    url) get "$base$1" "$2" "$3" || return 1 ;;
    presigned) fetch_pinned "$@" || return 1 ;;
  esac
  [ -z "${4:-}" ] || is_whole "$2" "$3" "$4" && return 0
  rm -f "$2" "$2.part"
  no "$key: what came is not what the pointer says (size or sha256)"
}

fetch_aws() {
  command -v aws >/dev/null 2>&1 || return 1
  set -- "$1" "$2" "$3" ${aws_endpoint:+--endpoint-url "$aws_endpoint"} ${region:+--region "$region"}
  aws_to=$2 aws_key=$1 aws_size=$3
  shift 3
  left=$((end_of_tries - $(now)))
  [ "$left" -gt 10 ] || left=10
  # awscli waits for ever where a byte comes now and then.
  set -- aws "$@"
  ! timeout -k 5 5 true 2>/dev/null || set -- timeout -k 5 "$left" "$@"
  (
    ulimit -f $((aws_size / 512 + 8))
    exec "$@" s3 cp --only-show-errors "s3://$bucket/$prefix$aws_key" "$aws_to" </dev/null
  ) 2>&1 | tail -n 3
  # What it had of one that it did not finish, under a name of its own.
  rm -f "$aws_to".????????
  [ -f "$aws_to" ] || no "$aws_key: awscli could not fetch it"
}

fetch_signed() {
  command -v curl >/dev/null 2>&1 || no 'neither awscli nor curl could fetch: install curl' || return 1
  credentials || return 1
  where=$base
  case $where in *'{region}'*) where=${where%%'{region}'*}$region${where#*'{region}'} ;; esac
  sign s3 GET "$where$1" /dev/null >"$work/headers"
  get "$where$1" "$2" "$3"
}

# By URLs that were signed when this script was printed: only for the objects that the pointer named then.
fetch_pinned() {
  url=
  while read -r pinned_key pinned_url; do
    [ "$pinned_key" != "$1" ] || url=$pinned_url
  done <<END
$pinned
END
  [ -n "$url" ] || no "$1 is not among the signed URLs: the pointer has moved since. Print the user data anew" || return 1
  status=
  get "$url" "$2" "$3" && return 0
  # 400: the temporary credentials that signed it have expired before it did.
  case $status in
    400 | 403) no "$1: HTTP status $status: the signed URL has expired, or its signer may not read this. Print the user data anew" ;;
  esac
  return 1
}
