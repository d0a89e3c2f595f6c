# deliver-agent boot|update|status: installs the release that the environment's pointer names on this server, with the same agent and
# layout as a deploy by ssh. Needs curl or awscli beside what the agent needs. What comes from the store counts when size
# and sha256 are right; the pointer counts when each of its words has the form that it must have.
#
# `boot` is for the first start of a server: it completes or abandons the group's lifecycle hook. `update` is for a running one.
# Exit codes: 0 this server runs what the pointer names, or a later deploy is at work here; 1 it doesn't, and its own last good
# release runs; 2 usage; 3 it doesn't, and nothing that was verified runs.
#
# The head sets: app environment user path from base bucket prefix region aws_endpoint scaling_endpoint pointer_key place pinned hook
# group hook_region retry_for signers.
# `A && B || C` is meant as written wherever it stands: C may run when B fails.
# shellcheck shell=sh disable=SC2015,SC2034,SC2154
LC_ALL=C
export LC_ALL
unset CDPATH IFS TAR_OPTIONS POSIXLY_CORRECT GZIP ENV BASH_ENV 2>/dev/null
PATH=${PATH:-/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022
nl='
'

say() {
  printf 'deliver: %s\n' "$*"
}

# Why something did not work; what tells it returns 1.
no() {
  why=$*
  return 1
}

# Seconds that only go forward: a server that boots gets its clock set.
now() {
  if read -r up _ 2>/dev/null </proc/uptime; then printf '%s' "${up%%.*}"; else date +%s; fi
}

is_number() {
  case $1 in '' | *[!0-9]* | 0[0-9]*) return 1 ;; esac
  [ ${#1} -le 15 ]
}

is_name() {
  case $1 in '' | [-.]* | *[!A-Za-z0-9._-]* | *..*) return 1 ;; esac
  [ ${#1} -le 200 ]
}

is_sha256() {
  case $1 in *[!0-9a-f]*) return 1 ;; esac
  [ ${#1} -eq 64 ]
}

# A key of this app, of the folder $2.
is_key() {
  case $1 in "$app/$2/"*) ;; *) return 1 ;; esac
  case $1 in *[!A-Za-z0-9._/-]* | *//* | */.* | */-* | *..* | */) return 1 ;; esac
  [ ${#1} -le 900 ]
}

hash() {
  hashed=$($hash_with) && printf '%s' "${hashed%% *}"
}

find_hash() {
  for hash_with in 'sha256sum' 'shasum -a 256' 'openssl dgst -sha256 -r'; do
    case $(hash </dev/null 2>/dev/null) in e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855) return 0 ;; esac
  done
  return 1
}

# Is the file there, with that size and sha256?
is_whole() {
  [ -f "$1" ] && [ "$(($(wc -c <"$1")))" -eq "$2" ] && [ "$(hash <"$1")" = "$3" ]
}
