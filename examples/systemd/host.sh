#!/bin/sh
# Once on each host, as root, beside api.service: sh host.sh. It may be run again.
set -eu
cd "$(dirname "$0")"

id deploy >/dev/null 2>&1 || useradd --create-home --shell /bin/sh deploy
install -d -o deploy -g deploy /srv/api

# Exactly what deliver runs as root. `stop` is for a first release that doesn't become healthy.
umask 227
cat >/etc/sudoers.d/deliver-api <<'RULES'
deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart api
deploy ALL=(root) NOPASSWD: /usr/bin/systemctl stop api
RULES
umask 022

# So that a failed deploy shows the service's own log.
usermod --append --groups systemd-journal deploy
# So that a switch that nobody confirmed is undone after a reboot too, on hosts without cron.
loginctl enable-linger deploy

install -m 644 api.service /etc/systemd/system/api.service
systemctl daemon-reload
systemctl enable api
