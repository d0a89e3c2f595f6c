#!/bin/bash
# Job api-rollback-production: one button for the night. An empty RELEASE goes back to the last good one.
bash -l -c 'deliver --plain -e "${JOB_NAME##*-}" rollback $RELEASE --yes --lock-wait 15m'
