#!/bin/sh
# go-live.sh RELEASE: the web bucket gets what this release has. With an older release it is the rollback.
# SITE is the bucket that is served (s3://www.example.com), STORE is bucket and prefix of the config (s3://example-builds/apps).
set -eu
release=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

s3cmd get --quiet "$STORE/site/releases/$release/archive.tar.gz" "$scratch/archive.tar.gz"
mkdir "$scratch/tree"
tar -xzf "$scratch/archive.tar.gz" -C "$scratch/tree"
[ -s "$scratch/tree/dist/index.html" ] # never an empty site

# What pages need, then the pages, and only then what no page needs any more is removed.
s3cmd sync --quiet --no-mime-magic --guess-mime-type --exclude '*.html' "$scratch/tree/dist/" "$SITE/"
s3cmd sync --quiet --no-mime-magic --guess-mime-type "$scratch/tree/dist/" "$SITE/"
s3cmd sync --quiet --no-mime-magic --guess-mime-type --delete-removed "$scratch/tree/dist/" "$SITE/"
printf '%s is live\n' "$release"
