#!/bin/sh
# Installs gridsvc without a network: finds Python @python@ and hands over to install.py beside this file.
#   sh install.sh [--to DIR] [--bin DIR] [--fonts DIR] [--no-demo] [--no-font] [--uninstall]
# PYTHON=/path/to/python@python@ names the Python to take.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

fits() {
    "$1" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "@python@")' >/dev/null 2>&1
}

found=
named=${PYTHON:-}
for candidate in "$named" python@python@ python3 python /usr/bin/python@python@ /usr/local/bin/python@python@; do
    { [ -n "$candidate" ] && command -v "$candidate" >/dev/null; } || continue
    if fits "$candidate"; then
        exec "$candidate" "$here/install.py" "$@"
    fi
    found="$found  $candidate: $("$candidate" --version 2>&1 | tail -n 1)
"
    # what was named is taken or refused, never replaced
    [ -z "$named" ] || break
done

cat "$here/no-python.txt" >&2
[ -z "$found" ] || printf 'found / 现有:\n%s' "$found" >&2
[ ! -d "$here/python" ] || printf 'carried along / 随包附带: %s\n' "$(ls "$here/python")" >&2
exit 1
