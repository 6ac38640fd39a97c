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
# Needs root and, for `setup`, the Debian mirror that the host's own apt is set up with. About 90 s and 3.6 GB.
# Every mount is made in a mount namespace of its own: when the command ends, whichever way, nothing stays mounted, and
# removing ROOT afterwards can reach nothing of the host.
set -euo pipefail

readonly SUITE=trixie
# --no-install-recommends leaves out what Swift needs to compile and link anything: libc6-dev, libstdc++-14-dev.
# git is for SwiftPM.
readonly PACKAGES=(swiftlang swiftlang-dev libc6-dev libstdc++-14-dev git ca-certificates)

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

# Runs itself again in a mount namespace whose mounts end with it.
isolate() {
    if [ "${SWIFT_LINUX_ISOLATED:-}" != yes ]; then
        SWIFT_LINUX_ISOLATED=yes exec unshare --mount --propagation private -- "$0" "$@"
    fi
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

setup() {
    local root=$1
    if [ -e "$root/.swift-ready" ]; then
        return
    fi
    if ! command -v debootstrap >/dev/null; then
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -q debootstrap
    fi
    mkdir -p "$root"
    # An interrupted debootstrap leaves its own folder behind and cannot be continued.
    if [ ! -x "$root/usr/bin/apt-get" ] || [ -d "$root/debootstrap" ]; then
        debootstrap --variant=minbase "$SUITE" "$root" "$(mirror)"
    fi
    copy_apt_access "$root"
    mount_system "$root"
    chroot "$root" apt-get update -q
    chroot "$root" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${PACKAGES[@]}"
    chroot "$root" apt-get clean
    rm -rf "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/* "$root"/usr/share/locale/*
    chroot "$root" env HOME=/root swift --version
    touch "$root/.swift-ready"
}

run() {
    local root=$1 package=$2 libs=$3
    shift 3
    [ -e "$root/.swift-ready" ] || die "$root has no Swift: run 'setup' first"
    [ -f "$package/Package.swift" ] || die "$package holds no Package.swift"
    [ -f "$libs/libcuro_ffi.so" ] || die "$libs holds no libcuro_ffi.so"
    mount_system "$root"
    mkdir -p "$root/mnt/package" "$root/mnt/lib"
    mount --bind "$package" "$root/mnt/package"
    mount --bind "$libs" "$root/mnt/lib"
    # shellcheck disable=SC2016 # the inner shell expands it
    exec chroot "$root" env HOME=/root LIBRARY_PATH=/mnt/lib LD_LIBRARY_PATH=/mnt/lib \
        bash -c 'cd /mnt/package && exec "$@"' swift-linux "$@"
}

[ "$(id -u)" = 0 ] || die "must be run as root: it mounts and changes the root folder"
case "${1:-}" in
    setup)
        [ $# = 2 ] || die "usage: swift-linux.sh setup ROOT"
        isolate "$@"
        setup "$2"
        ;;
    run)
        [ $# -ge 5 ] || die "usage: swift-linux.sh run ROOT PACKAGE LIBS COMMAND..."
        isolate "$@"
        shift
        run "$@"
        ;;
    *)
        die "usage: swift-linux.sh setup ROOT | run ROOT PACKAGE LIBS COMMAND..."
        ;;
esac
