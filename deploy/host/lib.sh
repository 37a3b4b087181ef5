#!/usr/bin/env bash
# Functions that all roles share. A function that changes something prints "changed: …"; without a change it prints nothing.

etc=/etc/risingstars
media=/srv/risingstars/media
# The same number on all hosts, since NFS identifies users by number.
id=10001

changes=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
changed() {
  changes=$((changes + 1))
  printf 'changed: %s\n' "$*"
}
report() {
  if [ $changes -eq 0 ]; then echo "nothing to change"; fi
}
die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

# live succeeds if systemd runs; in a container, or while a machine image is built, it does not.
live() { [ -d /run/systemd/system ]; }

check_system() {
  [ "$(id -u)" -eq 0 ] || die "must be root"
  local system
  # shellcheck source=/dev/null
  system=$(. /etc/os-release && echo "$ID $VERSION_ID")
  case $system in
    "debian 12" | "ubuntu 24.04") ;;
    *) die "this is $system; only Debian 12 and Ubuntu 24.04 are known to work" ;;
  esac
}

# --- Packages, users, files ------------------------------------------------------------------------------------------

install_packages() {
  local package missing=()
  for package in "$@"; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then missing+=("$package"); fi
  done
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  export DEBIAN_FRONTEND=noninteractive
  update_lists
  apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"
  changed "installed ${missing[*]}"
}

# update_lists retries while a new machine updates the lists itself: apt has no lock timeout for them.
update_lists() {
  local tries
  for ((tries = 0; tries < 30; tries++)); do
    if apt-get -q -o APT::Update::Error-Mode=any update; then return; fi
    live || break
    sleep 10
  done
  die "the lists of packages cannot be had"
}

put_user() {
  if [ "$(getent passwd risingstars | cut -d : -f 3,4)" = "$id:$id" ]; then return; fi
  if getent passwd risingstars || getent passwd $id || getent group $id; then die "user or group $id exists already under another name"; fi >&2
  groupadd --gid $id risingstars
  useradd --uid $id --gid $id --home-dir /var/lib/risingstars --no-create-home --shell /usr/sbin/nologin risingstars
  changed "user risingstars ($id)"
}

# put_folder PATH MODE OWNER
put_folder() {
  if [ -d "$1" ] && [ "$(stat -c '%a %U:%G' "$1")" = "${2#0} $3" ]; then return; fi
  install -d -m "$2" -o "${3%:*}" -g "${3#*:}" "$1"
  changed "folder $1"
}

# put FILE MODE OWNER replaces the file by stdin, atomically.
put() {
  cat >"$scratch/new"
  if cmp -s "$scratch/new" "$1" && [ "$(stat -c '%a %U:%G' "$1")" = "$2 $3" ]; then return; fi
  install -m "$2" -o "${3%:*}" -g "${3#*:}" "$scratch/new" "$1.new"
  mv -f "$1.new" "$1"
  changed "$1"
}

# put_filled FILE MODE OWNER SOURCE NAME… does so with the output of fill.
put_filled() {
  local text
  text=$(fill "${@:4}")
  put "$1" "$2" "$3" <<<"$text"
}

# fill FILE NAME… prints the file with values in place of ${NAME}.
fill() {
  local text name
  text=$(cat "$1") || die "no $1"
  for name in "${@:2}"; do text=${text//"\${$name}"/"${!name}"}; done
  if [[ $text =~ \$\{([A-Z_]+)\} ]]; then die "$1: ${BASH_REMATCH[1]} has no value"; fi
  printf '%s\n' "$text"
}

put_program() {
  local program=${RISINGSTARS:-$here/../../bin/risingstars}
  [ -x "$program" ] || die "no program at $program: run \"make build\", or name it by RISINGSTARS"
  put /usr/local/bin/risingstars 755 root:root <"$program"
}

# --- Settings --------------------------------------------------------------------------------------------------------

read_host_settings() {
  [ -r $etc/host.env ] || die "no $etc/host.env; $here/host.env.example is one to begin with"
  # shellcheck source=/dev/null
  . $etc/host.env
  want_settings ADMIN_NETWORKS FILES_ADDRESS WEB_NETWORKS WORKER_NETWORKS
  : "${MONITORING_NETWORKS:=}" "${BALANCER_NETWORKS:=}"
}

# want_settings NAME… ends the script where host.env lacks one.
want_settings() {
  local name
  for name in "$@"; do [ -n "${!name:-}" ] || die "$etc/host.env: $name is missing"; done
}

# want_program_settings NAME… does so for the settings of the program, and closes their file to others.
want_program_settings() {
  local file=$etc/risingstars.env name
  [ -r $file ] || die "no $file; $here/risingstars.env.example is one to begin with"
  for name in "$@"; do
    grep -Eq "^$name(_FILE)?=." $file || die "$file: $name is missing"
  done
  if [ "$(stat -c '%a %U:%G' $file)" != "600 root:root" ]; then
    chown root:root $file
    chmod 600 $file
    changed "$file is root's alone"
  fi
}

# --- systemd ---------------------------------------------------------------------------------------------------------

units=() # that must run, in this order
declare -A reads

# put_unit NAME NAMES… puts a unit of our own into its place, with values for the names.
put_unit() {
  put_filled "/etc/systemd/system/$1" 644 root:root "$here/files/$1" "${@:2}"
}

# put_drop_in UNIT changes a unit of the system's.
put_drop_in() {
  put_folder "/etc/systemd/system/$1.d" 0755 root:root
  put_filled "/etc/systemd/system/$1.d/risingstars.conf" 644 root:root "$here/files/$1.conf"
}

# runs UNIT FILE… says that the unit must run, and be restarted when one of the files is another than at its start.
runs() {
  units+=("$1")
  reads[$1]="${*:2}"
}

start_units() {
  local unit
  if live; then systemctl daemon-reload; fi
  for unit in "${units[@]}"; do
    if [ "$(systemctl is-enabled "$unit" 2>/dev/null)" != enabled ]; then
      systemctl -q enable "$unit"
      changed "$unit starts with the machine"
    fi
    if live; then start_unit "$unit"; fi
  done
}

# start_unit restarts it if what it reads has changed since this script started it.
start_unit() {
  local unit=$1 now note=$etc/started/$1
  # shellcheck disable=SC2086 # several files
  now=$(sha256sum ${reads[$unit]})
  if systemctl -q is-active "$unit" && [ "$now" = "$(cat "$note" 2>/dev/null)" ]; then return; fi
  case $unit in
    *.mount) systemctl --no-block restart "$unit" ;; # systemd retries until the other host is up
    nginx.service) # one that the package started knows another configuration
      if [ -e "$note" ]; then systemctl reload-or-restart "$unit"; else systemctl restart "$unit"; fi
      ;;
    risingstars-web.service) restart_web ;;
    risingstars-worker.service) restart_worker ;;
    *) timeout 120 systemctl restart "$unit" ;; # it may have to wait for the media
  esac || die "$unit does not start: see journalctl -u $unit, and whether the other hosts are there"
  mkdir -p $etc/started
  printf '%s\n' "$now" >"$note"
  changed "$unit was started"
}

# --- Redis -----------------------------------------------------------------------------------------------------------

# runs_redis succeeds if Redis runs on this host. Without REDIS_ADDRESS it runs on the files host.
runs_redis() {
  # shellcheck disable=SC2154 # setup's
  case ${REDIS_ADDRESS:-} in
    "") [ "$role" = files ] ;;
    *) [ "$role" != web ] && [[ $(ip -o address show) == *" $REDIS_ADDRESS/"* ]] ;;
  esac
}

# place_redis adds Redis to the packages of the host that runs it, and removes it on the others.
place_redis() {
  local package kept=()
  for package in "${packages[@]}"; do
    if [ "$package" != redis-server ]; then kept+=("$package"); fi
  done
  if runs_redis; then kept+=(redis-server); fi
  packages=("${kept[@]}")
}

put_redis() {
  local REDIS_PASSWORD='' REDIS_ADDRESS=${REDIS_ADDRESS:-$FILES_ADDRESS} networks
  if [ ! -s "$etc/redis.password" ]; then
    put "$etc/redis.password" 600 root:root < <(od -An -vtx1 -N24 /dev/urandom | tr -d ' \n')
    echo "         the other hosts need it: REDIS_URL=redis://:PASSWORD@$REDIS_ADDRESS:6379/0"
  fi
  # shellcheck disable=SC2034 # fill reads it by its name
  REDIS_PASSWORD=$(cat "$etc/redis.password")
  put_filled /etc/redis/risingstars.conf 640 root:redis "$here/files/redis.conf" REDIS_ADDRESS REDIS_PASSWORD
  put_drop_in redis-server.service
  runs redis-server.service /etc/redis/risingstars.conf /etc/systemd/system/redis-server.service.d/risingstars.conf
  for networks in "$WEB_NETWORKS" "$WORKER_NETWORKS"; do allow 6379 "$networks" Redis; done
}

# --- The media's folder, on hosts that do not have it ----------------------------------------------------------------

# put_media_mount leaves the folder empty where FILES_ADDRESS is none: the media are elsewhere, as STORAGE_URL says.
put_media_mount() {
  if [ "$FILES_ADDRESS" = none ]; then
    put_folder "$media" 0750 risingstars:risingstars
    return
  fi
  if ! mountpoint -q $media; then mkdir -p $media; fi
  put_unit srv-risingstars-media.mount FILES_ADDRESS media
  runs srv-risingstars-media.mount /etc/systemd/system/srv-risingstars-media.mount
}

# --- Firewall --------------------------------------------------------------------------------------------------------

allowed=

# allow PORTS NETWORKS WHY: NETWORKS are separated by commas, of either family; none: no address is allowed.
allow() {
  local network four=() six=()
  for network in ${2//,/ }; do
    case $network in
      *:*) six+=("$network") ;;
      *) four+=("$network") ;;
    esac
  done
  if [ ${#four[@]} -gt 0 ]; then allow_family ip "$1" "$3" "${four[@]}"; fi
  if [ ${#six[@]} -gt 0 ]; then allow_family ip6 "$1" "$3" "${six[@]}"; fi
}

allow_family() {
  local list
  list=$(printf ', %s' "${@:4}")
  allowed+="        $1 saddr { ${list#, } } tcp dport { $2 } accept comment \"$3\""$'\n'
}

put_firewall() {
  allow 22 "$ADMIN_NETWORKS" SSH
  # shellcheck disable=SC2034 # fill reads it by its name
  local RULES=$allowed
  fill "$here/files/firewall.nft" RULES >"$scratch/firewall.nft"
  nft -c -f "$scratch/firewall.nft" || die "the firewall's rules are wrong: look at the networks in $etc/host.env"
  put $etc/firewall.nft 644 root:root <"$scratch/firewall.nft"
  put_unit risingstars-firewall.service
  runs risingstars-firewall.service $etc/firewall.nft /etc/systemd/system/risingstars-firewall.service
}
