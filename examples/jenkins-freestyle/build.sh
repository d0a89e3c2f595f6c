#!/bin/bash
# Job api-build, build step "Execute shell". Jenkins sets BUILD_TAG (jenkins-api-build-42).
# bash -l for a Node.js that the login profile puts into PATH. Single quotes: the inner shell reads the variables.
bash -l -c '
  set -e
  export NODE_ENV=production TAG="$BUILD_TAG-prebuilt"
  deliver --plain setup
  deliver --plain commit-deps
  deliver --plain archive
  deliver --plain publish
  deliver --plain clean
'
# Post-build action "Trigger parameterized build": api-deploy-staging, with RELEASE=${BUILD_TAG}-prebuilt
