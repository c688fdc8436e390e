#!/bin/sh
# Make sure that programs are there: install the missing ones where that needs no questions, otherwise say how.
# Usage: sh tools/need.sh PROGRAM...   Each program's package has the program's name.
missing=""
for program in "$@"; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
missing="${missing# }"
[ -z "$missing" ] && exit 0
root=""
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then root="sudo"; else root="cannot"; fi
fi
for line in \
    "apt-get:apt-get install -y" \
    "dnf:dnf install -y" \
    "apk:apk add" \
    "pacman:pacman -S --noconfirm" \
    "zypper:zypper --non-interactive install"; do
    command -v "${line%%:*}" >/dev/null 2>&1 || continue
    install="${line#*:} $missing"
    if [ "$root" = cannot ]; then
        echo "xats needs $missing. Install with: sudo $install" >&2
        exit 1
    fi
    echo "installing: $install" >&2
    [ "${line%%:*}" = apt-get ] && $root apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $root $install >/dev/null && exit 0
done
if command -v brew >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    brew install $missing && exit 0
fi
echo "xats needs $missing (tmux: 3.2 or newer), which could not be installed. See https://github.com/tmux/tmux/wiki/Installing" >&2
exit 1
