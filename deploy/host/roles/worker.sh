#!/usr/bin/env bash
# The program's workers, and Redis where REDIS_ADDRESS is this host's.
# shellcheck disable=SC2034,SC2154 # lib.sh and setup share names with it
packages=(ca-certificates ffmpeg nfs-common nftables)

set_up() {
  want_program_settings DATABASE_URL REDIS_URL SECRET_KEY
  put_user
  put_program
  put_media_mount
  put_unit risingstars-worker.service media
  runs risingstars-worker.service /usr/local/bin/risingstars "$etc/risingstars.env" /etc/systemd/system/risingstars-worker.service
  if runs_redis; then put_redis; fi
  allow 9101 "$MONITORING_NETWORKS" metrics
}

# restart_worker fails if the program exits soon: otherwise systemd would restart it without end, and setup would not report it.
restart_worker() {
  local process
  timeout 120 systemctl restart risingstars-worker.service || return
  process=$(systemctl show -P MainPID risingstars-worker.service)
  sleep 20 # it gives up reading a secret after 15
  [ "$process" != 0 ] && [ "$(systemctl show -P MainPID risingstars-worker.service)" = "$process" ]
}
