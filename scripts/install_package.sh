#!/bin/sh
# Install a Debian package that is also the name of its command, when it is missing and that is possible.
#   scripts/install_package.sh PACKAGE WHAT_IS_MISSED_WITHOUT_IT [OTHER_NAME_OF_THE_COMMAND]...
package=$1
missed=$2
shift 2
for name in "$package" "$@"; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package"; } \
    >/dev/null 2>&1 && exit 0
fi
echo "$package is missing and cannot be installed from here: $missed (apt-get install $package)." >&2
exit 0
