#!/bin/sh
# The grader's sandbox needs bubblewrap, the browser tests need chromium, one test needs PostgreSQL. Installs what is missing where
# this may be done without asking (root on Debian or Ubuntu); elsewhere says which command to run.
set -eu
missing=""
command -v bwrap >/dev/null 2>&1 || missing="$missing bubblewrap"
command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || missing="$missing chromium"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing$missing …"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing fonts-dejavu-core >/dev/null && exit 0
fi
if command -v apt-get >/dev/null 2>&1; then
    how="sudo apt-get install$missing"
else
    how="your system's package manager:$missing"
fi
echo "Some tests need system parts that are not here. They will be skipped, and the summary says so. To run them: $how"
