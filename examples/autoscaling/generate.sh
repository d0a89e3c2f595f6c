#!/bin/sh
# Writes what the templates read. Again when fetch, user, hook or store of the config change; releases don't matter.
set -eu
deliver -e production user-data >user-data.sh
deliver -e production iam --policy instance >instance-policy.json
deliver -e production iam --policy ci >ci-policy.json
