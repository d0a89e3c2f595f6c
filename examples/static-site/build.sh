#!/bin/sh
# In CI: a release of the site in the store. $TAG names it.
set -eu
deliver setup
deliver commit-deps
deliver archive
deliver publish
