#!/bin/sh
# Print the first interpreter that says it is Python 3.12 or newer, else say what was looked for and exit 2.
set -u

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

for name in python3.14 python3.13 python3.12 python3; do
    if command -v "$name" >/dev/null 2>&1 && new_enough "$name"; then
        command -v "$name"
        exit 0
    fi
done
root=$(pyenv root 2>/dev/null || echo "${PYENV_ROOT:-$HOME/.pyenv}")
for path in $(ls -d "$root"/versions/*/bin/python3 2>/dev/null | sort -rV); do
    if new_enough "$path"; then
        echo "$path"
        exit 0
    fi
done
if command -v uv >/dev/null 2>&1; then
    path=$(UV_PYTHON_DOWNLOADS=never uv python find '>=3.12' 2>/dev/null || true)
    if [ -n "$path" ] && new_enough "$path"; then
        echo "$path"
        exit 0
    fi
fi
echo "Python 3.12 or newer is needed; looked for python3.14 to python3.12 and python3 on PATH, $root/versions/*, and uv" >&2
exit 2
