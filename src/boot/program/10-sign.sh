# --- Signed requests (AWS signature version 4), without a secret on any command line -----------------------------------------

hex() {
  od -An -v -tx1 | tr -d ' \n'
}

# hmac KEY, in hex, of stdin; in hex. printf's octal escapes make the bytes.
hmac() {
  left=$1 inner='' outer='' count=0
  while [ "$count" -lt 64 ]; do
    byte=${left%"${left#??}"} left=${left#??}
    byte=$((0x${byte:-00}))
    value=$((byte ^ 54)) inner=$inner\\$((value / 64))$((value / 8 % 8))$((value % 8))
    value=$((byte ^ 92)) outer=$outer\\$((value / 64))$((value / 8 % 8))$((value % 8))
    count=$((count + 1))
  done
  left=$({
    # shellcheck disable=SC2059
    printf "$inner"
    cat
  } | hash)
  while [ -n "$left" ]; do
    byte=${left%"${left#??}"} left=${left#??}
    value=$((0x$byte)) outer=$outer\\$((value / 64))$((value / 8 % 8))$((value % 8))
  done
  # shellcheck disable=SC2059
  printf "$outer" | hash
}

# sign SERVICE METHOD URL BODY-FILE: headers for curl's config on stdout.
sign() {
  rest=${3#*://} host=${3#*://}
  host=${host%%/*} uri=/${rest#"$host"} stamp=$(date -u +%Y%m%dT%H%M%SZ)
  uri=/${uri#//} body=$(hash <"$4")
  scope=${stamp%T*}/$region/$1/aws4_request
  names='host;x-amz-content-sha256;x-amz-date'
  headers="host:$host${nl}x-amz-content-sha256:$body${nl}x-amz-date:$stamp$nl"
  printf 'header = "%s"\n' "x-amz-content-sha256: $body" "x-amz-date: $stamp"
  if [ -n "$token" ]; then
    names="$names;x-amz-security-token" headers="${headers}x-amz-security-token:$token$nl"
    printf 'header = "x-amz-security-token: %s"\n' "$token"
  fi
  request=$(printf '%s\n%s\n\n%s\n%s\n%s' "$2" "$uri" "$headers" "$names" "$body" | hash)
  key=$(printf 'AWS4%s' "$secret" | hex)
  [ "${#key}" -le 128 ] || key=$(printf 'AWS4%s' "$secret" | hash)
  for part in "${stamp%T*}" "$region" "$1" aws4_request "AWS4-HMAC-SHA256$nl$stamp$nl$scope$nl$request"; do
    key=$(printf '%s' "$part" | hmac "$key")
  done
  printf 'header = "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s"\n' "$key_id" "$scope" "$names" "$key"
}

# --- This server's place in AWS ------------------------------------------------------------------------------------------

imds() {
  curl -q -fsS --noproxy '*' --connect-timeout 2 -m 5 -H "X-aws-ec2-metadata-token: $imds_token" "$imds_url/latest/meta-data/$1" </dev/null
}

imds_login() {
  [ "${AWS_EC2_METADATA_DISABLED:-}" != true ] || no 'the metadata service is switched off (AWS_EC2_METADATA_DISABLED)' || return 1
  imds_url=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}
  imds_url=${imds_url%/}
  imds_token=$(curl -q -fsS --noproxy '*' --connect-timeout 2 -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$imds_url/latest/api/token" </dev/null) ||
    no 'the metadata service of this instance does not answer'
}

json() {
  sed -n "s/.*\"$1\" *: *\"\([A-Za-z0-9+/=_-]*\)\".*/\1/p" "$work/role" | head -n 1
}

# Sets `key_id`, `secret`, `token` and `region`. From the environment, else the role of this instance.
credentials() {
  key_id=${AWS_ACCESS_KEY_ID:-} secret=${AWS_SECRET_ACCESS_KEY:-} token=${AWS_SESSION_TOKEN:-}
  region=${region:-${AWS_REGION:-${AWS_DEFAULT_REGION:-}}}
  [ -z "$key_id" ] || [ -z "$region" ] || return 0
  imds_login || return 1
  [ -n "$region" ] || region=$(imds placement/region) || no 'the metadata service tells no region' || return 1
  [ -z "$key_id" ] || return 0
  role=$(imds iam/security-credentials/ | head -n 1) && [ -n "$role" ] || no 'this instance has no role: attach an instance profile' || return 1
  imds "iam/security-credentials/$role" >"$work/role" || no "the metadata service gives no credentials of the role" || return 1
  key_id=$(json AccessKeyId) secret=$(json SecretAccessKey) token=$(json Token)
  rm -f "$work/role"
  [ -n "$key_id" ] && [ -n "$secret" ] || no 'the credentials of the role are not readable'
}

# Which server this is: an image that was made of another one is another server.
identify() {
  machine=$(cat /etc/machine-id 2>/dev/null) instance=-
  case $machine in *[!0-9a-f]* | '') machine=- ;; esac
  [ "$from" != role ] && [ -z "$hook" ] || ! imds_login 2>/dev/null || instance=$(imds instance-id 2>/dev/null) || instance=-
  is_name "$instance" || instance=-
}
