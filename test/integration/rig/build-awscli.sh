#!/bin/sh
# Builds a root file system with Debian's awscli, to lie below that of the systemd hosts: build-awscli.sh DIRECTORY
# Apart from the base image, so that the hosts of most tests start without it. As there, the directory appears by rename.
set -eu

target=$1
[ ! -e "$target" ] || exit 0
root=$target.building
rm -rf --one-file-system "$root"

# python3-cffi-backend: what debootstrap doesn't see that python3-cryptography needs.
debootstrap --variant=minbase --include=awscli,python3-cffi-backend bookworm "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}

rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
mv "$root" "$target"
