#!/bin/sh
# Installs Shouwang from this checkout on a Debian machine as systemd services. May be run again: it leaves
# configurations, keys and data alone. Usage: install.sh collector|analyzer|console|servers...
set -eu
say() { printf '%s\n' "install: $*"; }
[ $# -gt 0 ] || { echo "usage: $0 servers|collector|analyzer|console ..." >&2; exit 2; }
for role in "$@"; do
  case "$role" in servers|collector|analyzer|console) ;; *) echo "$0: unknown role $role" >&2; exit 2 ;; esac
done
[ "$(id -u)" = 0 ] || { echo "$0: must run as root: it makes users, and writes /opt/shouwang, /etc/shouwang and /etc/systemd/system" >&2; exit 1; }

here=$(cd "$(dirname "$0")/.." && pwd)
etc=/etc/shouwang

packages() {
  missing=
  for p in "$@"; do dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"; done
  [ -z "$missing" ] && return 0
  say "installing packages:$missing"
  # shellcheck disable=SC2086
  apt-get install -y --no-install-recommends $missing
}

# Copies a configuration unless there is one; a newer sample is put beside it.
sample() {
  if [ -e "$2" ]; then
    cmp -s "$1" "$2" || { cp "$1" "$2.sample"; say "kept $2 (the new sample is $2.sample)"; }
  else
    install -m 0640 -g shouwang "$1" "$2"; say "wrote $2: edit it before the first start"
  fi
}

key() {
  if [ -e "$etc/$1.nk" ]; then say "kept the key $etc/$1.nk"; return 0; fi
  public=$(node "$here/deploy/nats/new-nkey.mjs" "$etc/$1.nk")
  chown "shouwang-$1:shouwang" "$etc/$1.nk"
  say "made the key $etc/$1.nk; its public half goes into nats.env of the NATS machine:"
  printf 'SW_NKEY_%s=%s\n' "$(printf %s "$1" | tr a-z A-Z)" "$public"
}

getent group shouwang >/dev/null || { groupadd --system shouwang; say "made the group shouwang"; }
install -d -m 0750 -g shouwang "$etc" "$etc/tls"

for role in "$@"; do
  if [ "$role" = servers ]; then
    packages nats-server influxdb
    install -d -m 0755 /etc/systemd/system/nats-server.service.d
    printf '[Service]\nEnvironmentFile=/etc/shouwang/nats.env\nSupplementaryGroups=shouwang\nStateDirectory=nats\n' > /etc/systemd/system/nats-server.service.d/shouwang.conf
    [ -e "$etc/nats.env" ] || { install -m 0640 /dev/null "$etc/nats.env"; say "wrote an empty $etc/nats.env: put the public nkeys there"; }
    if ! cmp -s "$here/deploy/nats/nats-server.conf" /etc/nats-server.conf; then
      [ -e /etc/nats-server.conf ] && { cp -n /etc/nats-server.conf /etc/nats-server.conf.before-shouwang; say "kept the old configuration as /etc/nats-server.conf.before-shouwang"; }
      install -m 0644 "$here/deploy/nats/nats-server.conf" /etc/nats-server.conf; say "wrote /etc/nats-server.conf"
    fi
    sample "$here/deploy/influx/influxdb.conf" "$etc/influxdb.conf"
    say "compare $etc/influxdb.conf with /etc/influxdb/influxdb.conf and take it over"
    continue
  fi
  command -v node >/dev/null || { echo "$0: Node 20.19 or newer is missing" >&2; exit 1; }
  [ "$role" = collector ] && packages tcpdump
  if [ "$here" != /opt/shouwang ]; then
    [ -d "$here/dist" ] || { echo "$0: $here is not built: run npm ci && npm run build there first" >&2; exit 1; }
    install -d /opt/shouwang
    # In place, file by file: a running service keeps what it has loaded.
    for part in bin dist node_modules rules deploy package.json; do cp -R --remove-destination "$here/$part" /opt/shouwang/; done
    say "copied the program to /opt/shouwang"
  fi
  getent passwd "shouwang-$role" >/dev/null || { useradd --system --gid shouwang --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "shouwang-$role"; say "made the user shouwang-$role"; }
  key "$role"
  case "$role" in
    collector) sample "$here/deploy/config/collect.yaml" "$etc/collect.yaml"; unit=shouwang-collector.service ;;
    analyzer) sample "$here/deploy/config/analyze.yaml" "$etc/analyze-0.yaml"; sample "$here/deploy/registry.sample.yaml" "$etc/registry.yaml"; unit=shouwang-analyzer@.service ;;
    console) sample "$here/deploy/config/console.yaml" "$etc/console.yaml"; sample "$here/deploy/registry.sample.yaml" "$etc/registry.yaml"; sample "$here/deploy/config/holidays.yaml" "$etc/holidays.yaml"; unit=shouwang-console.service ;;
  esac
  install -m 0644 "$here/deploy/systemd/$unit" "/etc/systemd/system/$unit"; say "wrote /etc/systemd/system/$unit"
done
if [ -d /run/systemd/system ]; then systemctl daemon-reload; say "systemd knows the units; start with: systemctl enable --now <unit>"; else say "systemd is not running here: nothing was started"; fi
