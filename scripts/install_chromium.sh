#!/bin/sh
# Install Chromium from Debian's packages for the browser tests, when it is missing and that is possible.
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 \
    && exit 0
fi
echo "Chromium is missing and cannot be installed from here: the browser tests will be skipped (apt-get install chromium)." >&2
exit 0
