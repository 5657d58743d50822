#!/bin/sh
# Installs Forewarn from the folder that this file is in. Nothing is asked of a network.
set -eu

usage() {
    cat <<'END'
usage: sh install.sh --key FILE [--prefix DIR] [--etc DIR] [--units DIR | --no-units] [--python PROGRAM]
       sh install.sh --key FILE --check

  --key FILE        public key (PEM) of who made the bundle, which came to you by another way than the bundle
  --check           check signature and sums, install nothing
  --prefix DIR      where to: DIR/versions/VERSION, and DIR/current points to it (/opt/forewarn)
  --etc DIR         where settings are (/etc/forewarn)
  --units DIR       where systemd's units go (/etc/systemd/system, where a user forewarn is made for them, too)
  --no-units        no units, no user: for a look, or without systemd
  --python PROGRAM  the Python that it is to run on (python3)

It checks the signature of SHA256SUMS and the sum of every file first, and ends where one is wrong or a file is unknown.
What was installed before stays, so that DIR/current can be turned back.
END
}

fail() {
    echo "error: $*" >&2
    exit 1
}

key='' check=no prefix=/opt/forewarn etc=/etc/forewarn units=/etc/systemd/system python=python3
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --check) check=yes; shift; continue ;;
        --no-units) units=''; shift; continue ;;
        --key | --prefix | --etc | --units | --python) [ $# -gt 1 ] || fail "$1 wants a value: see --help" ;;
        *) fail "$1 is not known: see --help" ;;
    esac
    case $1 in
        --key) key=$2 ;;
        --prefix) prefix=$2 ;;
        --etc) etc=$2 ;;
        --units) units=$2 ;;
        *) python=$2 ;;
    esac
    shift 2
done
[ -n "$key" ] || fail "give --key FILE, the public key of who made this bundle: see --help"
[ -f "$key" ] || fail "$key is no file: --key is the public key of who made this bundle"
key=$(cd "$(dirname "$key")" && pwd)/$(basename "$key")
for dir in "$prefix" "$etc" ${units:+"$units"}; do
    case $dir in /*) ;; *) fail "$dir: give folders from / on" ;; esac
done
cd "$(dirname "$0")"

check_all() {
    command -v openssl >/dev/null || fail "openssl is missing (version 3 or newer): it checks the signature"
    openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig >/dev/null 2>&1 ||
        fail "SHA256SUMS is not signed by $key: do not use this bundle"
    sha256sum --check --quiet SHA256SUMS >&2 || fail "files are not as they were signed: do not use this bundle"
    known=$(sed 's/^[0-9a-f]* [ *]//' SHA256SUMS | LC_ALL=C sort)
    found=$(find . ! -type d ! -name SHA256SUMS ! -name SHA256SUMS.sig | sed 's|^\./||' | LC_ALL=C sort)
    [ "$known" = "$found" ] || fail "there are files here that nobody signed: unpack the bundle anew, into an empty folder"
}

check_all
version=$(cat VERSION)
echo "forewarn $version: signature and sums are right"
[ "$check" = no ] || exit 0

command -v "$python" >/dev/null || fail "$python is missing: give --python"
here=$("$python" -c 'import sys, sysconfig; print("cp%d%d" % sys.version_info[:2], sysconfig.get_platform())')
[ "$here" = "$(cat PLATFORM)" ] || fail "this bundle is for $(cat PLATFORM), $python is $here: give another --python, or make a bundle there"
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python has no venv. On Debian: apt install python3-venv"

target=$prefix/versions/$version
if [ ! -f "$target/.complete" ]; then
    rm -rf "$target"
    mkdir -p "$prefix/versions"
    "$python" -m venv "$target"
    for lock in requirements.lock forewarn.lock; do
        "$target/bin/python" -m pip --isolated --disable-pip-version-check install --quiet --no-cache-dir \
            --no-index --find-links wheels --no-deps --require-hashes -r "$lock"
    done
    mkdir -p "$target/share"
    cp -R share/forewarn "$target/share/forewarn"
    "$target/bin/forewarn" --version >/dev/null
    : >"$target/.complete"
fi
ln -sfn "versions/$version" "$prefix/current"

if [ -n "$units" ]; then
    if [ "$units" = /etc/systemd/system ] && ! getent group forewarn >/dev/null; then
        PATH=$PATH:/usr/sbin:/sbin useradd --system --user-group --home-dir /nonexistent --no-create-home \
            --shell /usr/sbin/nologin forewarn
    fi
    mkdir -p "$units" "$etc/feeds"
    for unit in share/forewarn/systemd/*; do
        sed -e "s|/opt/forewarn/|$prefix/|g" -e "s|/etc/forewarn|$etc|g" "$unit" >"$units/$(basename "$unit")"
    done
    if [ ! -f "$etc/forewarn.env" ]; then
        (umask 027 && cp share/forewarn/forewarn.env.example "$etc/forewarn.env")
        [ "$units" != /etc/systemd/system ] || chown root:forewarn "$etc/forewarn.env"
    fi
    if [ "$units" = /etc/systemd/system ] && command -v systemctl >/dev/null; then
        systemctl daemon-reload
    fi
    echo "next: fill in $etc/forewarn.env, then: systemctl enable --now forewarn.target forewarn-worker ..."
fi
echo "installed: $("$prefix/current/bin/forewarn" --version) in $target"
