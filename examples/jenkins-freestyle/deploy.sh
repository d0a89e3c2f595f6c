#!/bin/bash
# Jobs api-deploy-staging and api-deploy-production, parameter RELEASE, build step "Execute shell".
# The environment is the end of JOB_NAME.
bash -l -c '
  deliver --plain -e "${JOB_NAME##*-}" deploy "$RELEASE" --lock-wait 15m --junit build/deliver.xml --report build/deliver.html
'
# Post-build actions: "Publish JUnit test result report" build/deliver.xml, "Archive the artifacts" build/deliver.html
