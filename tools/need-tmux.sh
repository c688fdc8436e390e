#!/bin/sh
# Make sure that there is a tmux: install it where that needs no questions, otherwise say how.
command -v tmux >/dev/null 2>&1 && exit 0
root=""
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then root="sudo"; else root="cannot"; fi
fi
for line in \
    "apt-get:apt-get install -y tmux" \
    "dnf:dnf install -y tmux" \
    "apk:apk add tmux" \
    "pacman:pacman -S --noconfirm tmux" \
    "zypper:zypper --non-interactive install tmux"; do
    command -v "${line%%:*}" >/dev/null 2>&1 || continue
    if [ "$root" = cannot ]; then
        echo "xats needs tmux. Install it with: sudo ${line#*:}" >&2
        exit 1
    fi
    echo "installing tmux: ${line#*:}" >&2
    [ "${line%%:*}" = apt-get ] && $root apt-get update -qq
    # shellcheck disable=SC2086
    $root ${line#*:} >/dev/null && exit 0
done
if command -v brew >/dev/null 2>&1; then
    brew install tmux && exit 0
fi
echo "xats needs tmux 3.2 or newer, and it cannot be installed from here. See https://github.com/tmux/tmux/wiki/Installing" >&2
exit 1
