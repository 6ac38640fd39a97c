#!/bin/bash
# Swift for Linux in a chroot of its own, on a Debian host that has none: Debian 13's `swiftlang` (6.0.3, with SwiftPM,
# XCTest, Swift Testing and Foundation). Newer suites' swiftlang fails to link `swift test`, and a Debian 12 host cannot
# take the package itself without upgrading its libc.
#
#   swift-linux.sh setup ROOT                        makes the chroot in the folder ROOT; does nothing when it is there
#   swift-linux.sh run ROOT PACKAGE LIBS COMMAND...  runs COMMAND in the chroot, in PACKAGE (shown as /mnt/package), with
#                                                    LIBS (the folder with libcuro_ffi.so, shown as /mnt/lib) in the
#                                                    linker's and the loader's path
#
# Needs root and, for `setup`, the Debian mirror that the host's own apt is set up with. About 90 s and 2.6 GB. What could
# not be fetched is fetched again, a few times. Two calls at once share one setup: the second waits for the first.
# Every mount is made in a mount namespace of its own: when the command ends, whichever way, nothing stays mounted, and
# removing ROOT afterwards can reach nothing of the host. A command has a process namespace of its own as well: whoever kills
# this script with SIGKILL kills all that the command has started (it may take no notice of other signals), and what it leaves
# running ends with it. Its /tmp is its own and is gone
# afterwards.
set -euo pipefail

readonly SUITE=trixie
# --no-install-recommends leaves out what Swift needs to compile and link anything: libc6-dev, libstdc++-14-dev.
# git is for SwiftPM.
readonly PACKAGES=(swiftlang swiftlang-dev libc6-dev libstdc++-14-dev git ca-certificates)
# Seconds before each further attempt to fetch and install.
readonly WAITS=(5 20 60)

die() {
    echo "swift-linux.sh: $*" >&2
    exit 1
}

# The mirror of the host: the deb822 file of Debian 12 and later, or the one-line form.
mirror() {
    local found
    found=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/*.sources 2>/dev/null || true)
    if [ -z "$found" ]; then
        found=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; exit } }' \
            /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true)
    fi
    [ -n "$found" ] || die "no Debian mirror in the host's apt sources"
    echo "$found"
}

# What a process in the chroot expects to find. Only in this namespace.
mount_system() {
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    cp -L /etc/resolv.conf /etc/hosts "$1/etc/"
}

# The host's way to its mirror (a proxy, a certificate, a pinned source) holds in the chroot as well.
copy_apt_access() {
    local root=$1 file
    mkdir -p "$root/etc/apt/apt.conf.d"
    for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
        if [ -f "$file" ] && grep -qiE 'acquire::(http|https|::proxy)' "$file"; then
            cp -L "$file" "$root/etc/apt/apt.conf.d/90host-$(basename "$file")"
        fi
    done
}

# One attempt, into a folder that nobody uses yet.
attempt() {
    local root=$1
    if ! command -v debootstrap >/dev/null; then
        apt-get -o Acquire::Retries=3 update -q
        DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
            install -y -q --no-install-recommends debootstrap debian-archive-keyring
    fi
    debootstrap --variant=minbase "$SUITE" "$root" "$(mirror)"
    copy_apt_access "$root"
    mount_system "$root"
    chroot "$root" apt-get -o Acquire::Retries=3 update -q
    chroot "$root" env DEBIAN_FRONTEND=noninteractive \
        apt-get -o Acquire::Retries=3 install -y -q --no-install-recommends "${PACKAGES[@]}"
    chroot "$root" apt-get clean
    rm -rf "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/* "$root"/usr/share/locale/*
    chroot "$root" env HOME=/root swift --version
    touch "$root/.swift-ready"
}

# ROOT comes into being whole: what is half done lies beside it, and an interrupted debootstrap cannot be continued.
setup() {
    local root=$1 wait partial=$1.partial
    [ ! -e "$root/.swift-ready" ] || return 0
    mkdir -p "$(dirname "$root")"
    exec 9>"$root.lock"
    flock 9
    [ ! -e "$root/.swift-ready" ] || return 0
    [ ! -e "$root" ] || rmdir "$root" || die "$root is there and is not what this script has made"
    for wait in 0 "${WAITS[@]}"; do
        if [ "$wait" != 0 ]; then
            echo "swift-linux.sh: that attempt failed; the next one in $wait s" >&2
            sleep "$wait"
        fi
        # Nothing is mounted in there any more: an attempt's mounts end with it.
        rm -rf --one-file-system "$partial"
        # A process namespace: an attempt ends with this script, and the lock is not free while anything writes there.
        if unshare --mount --propagation private --pid --fork --kill-child --mount-proc -- "$0" attempt "$partial"; then
            mv -T "$partial" "$root"
            return 0
        fi
    done
    rm -rf --one-file-system "$partial"
    die "Swift could not be set up in $root"
}

run() {
    local root=$1 package=$2 libs=$3
    shift 3
    mount_system "$root"
    mkdir -p "$root/mnt/package" "$root/mnt/lib"
    mount --bind "$package" "$root/mnt/package"
    mount --bind "$libs" "$root/mnt/lib"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    # The shell stays, as the first process of the namespace: it takes in what the command's children leave behind.
    # shellcheck disable=SC2016 # the inner shell expands it
    exec chroot "$root" env HOME=/root LIBRARY_PATH=/mnt/lib LD_LIBRARY_PATH=/mnt/lib \
        bash -c 'cd /mnt/package && "$@"; exit $?' swift-linux "$@"
}

[ "$(id -u)" = 0 ] || die "must be run as root: it mounts and changes the root folder"
case "${1:-}" in
    setup)
        [ $# = 2 ] || die "usage: swift-linux.sh setup ROOT"
        setup "$2"
        ;;
    run)
        [ $# -ge 5 ] || die "usage: swift-linux.sh run ROOT PACKAGE LIBS COMMAND..."
        [ -e "$2/.swift-ready" ] || die "$2 has no Swift: run 'setup' first"
        [ -f "$3/Package.swift" ] || die "$3 holds no Package.swift"
        [ -f "$4/libcuro_ffi.so" ] || die "$4 holds no libcuro_ffi.so"
        shift
        exec unshare --mount --propagation private --pid --fork --kill-child -- "$0" in-chroot "$@"
        ;;
    # The two halves that run in a namespace of their own.
    attempt)
        attempt "$2"
        ;;
    in-chroot)
        shift
        run "$@"
        ;;
    *)
        die "usage: swift-linux.sh setup ROOT | run ROOT PACKAGE LIBS COMMAND..."
        ;;
esac
