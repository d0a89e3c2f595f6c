#!/bin/sh
# The agent of deliver: everything that happens on a host, as one POSIX sh program (dash, bash, busybox ash; no tools but
# coreutils, find, xargs, tar, and gzip or zstd). It is sent by src/remote/wire.ts and called as
#
#   sh agent-<hash>.sh NONCE VERB path=DIR key=value...          payload on stdin
#
# and answers on stdout with lines `@NONCE key value`, the last of them `@NONCE end CODE TEXT`. Anything else is log text.
# A call counts when its end line arrives; a call that is cut anywhere can be repeated.
#
# Codes: 0 ok, 10 bad call, 11 precondition, 12 fenced out, 13 busy, 14 no space, 15 verification failed, 16 restart failed,
# 17 restart timed out, 18 lost race, 19 no such release, 20 other failure (21, need agent, is the wire's),
# 22 no delta from that base, 23 not done in time, and ended, 24 cut off before.
#
# Layout under path:
#   current -> releases/<release>     switched by one rename(2)
#   releases/<release>/               complete: a directory gets this name only after its tree was verified
#   shared/                           linked into each release
#   shared/.releases/<release>/       files of values and secrets, of that release alone
#   .deliver/agent-*.sh  lock  fence  state  journal
#   .deliver/restart.log  restarted   output of the last restart; when that was, and how long logs were then
#   .deliver/migrate.log              output of the last migration
#   .deliver/boot-guard.sh            what goes back after a reboot
#   .deliver/incoming/<release>.<id>/ what was put, and the tree before it is complete
#   .deliver/manifests/<release>/     listing, digest, shared, snapshot, look
#   .deliver/migrations/<release>     whether it was begun or done
#   .deliver/trash/                   on its way out
#
# `state` is one file, replaced by rename, so that a switch and what is known of it can't disagree after a crash:
#   unconfirmed ID RELEASE PREVIOUS   a switch on trial; PREVIOUS may be `-`
#   confirmed ID RELEASE              the last switch that was confirmed
#   reverted ID RELEASE PREVIOUS      the last one that was undone
#   withdrawn ID RELEASE              the last one that shall not happen any more
#   via deploy|rollback               how the last confirmed one came about
#   good RELEASE                      in order of confirmation, newest last
#   bad RELEASE
# `A && B || C` is meant as written wherever it stands: C may run when B fails.
# shellcheck disable=SC2015
set -u
protocol=1
LC_ALL=C
export LC_ALL
unset CDPATH TAR_OPTIONS POSIXLY_CORRECT GZIP 2>/dev/null
unset IFS
nl='
'
nonce=$1
verb=$2
shift 2

