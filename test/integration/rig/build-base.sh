#!/bin/sh
# Builds the root file system that the systemd hosts of the rig boot from: build-base.sh DIRECTORY
# This file is the recipe: its hash is part of DIRECTORY's name, so a change here builds a new one.
# The directory appears by rename, so one that exists is complete. Callers hold a lock.
set -eu

target=$1
[ ! -e "$target" ] || exit 0
root=$target.building
rm -rf --one-file-system "$root"

packages=systemd,systemd-sysv,dbus,openssh-server,zstd,curl,ca-certificates,iproute2,procps,sudo,nodejs
debootstrap --variant=minbase --include="$packages" bookworm "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}

chroot "$root" useradd --create-home --shell /bin/bash --uid 1000 deploy
# The one thing that a deploy may do as root. sudo finds systemctl itself, in its secure_path.
echo 'deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart api' >"$root/etc/sudoers.d/deploy"
chmod 440 "$root/etc/sudoers.d/deploy"
install -d -o 1000 -g 1000 "$root/srv/api"

cat >"$root/etc/systemd/system/api.service" <<'UNIT'
[Unit]
Description=The app that is deployed
# A host that boots before its first deploy waits for one instead of failing in a loop.
ConditionPathExists=/srv/api/current

[Service]
User=deploy
WorkingDirectory=/srv/api/current
Environment=PORT=3000
ExecStart=/usr/bin/node server.js
Restart=always
KillSignal=SIGTERM
TimeoutStopSec=10

[Install]
WantedBy=multi-user.target
UNIT

cat >"$root/etc/ssh/sshd_config.d/rig.conf" <<'SSHD'
PasswordAuthentication no
UseDNS no
SSHD

chroot "$root" systemctl enable systemd-networkd.service api.service
# Timers that would wake up in the middle of a measurement, and a wait for a network that tests cut on purpose.
chroot "$root" systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
  systemd-networkd-wait-online.service

# Every host gets its own.
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/machine-id" "$root/etc/systemd/network/80-container-host0.network"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
mv "$root" "$target"
