#!/usr/bin/env bash
# What the other hosts share: the folder of the media, by NFS, and Redis.
# shellcheck disable=SC2034,SC2154 # lib.sh and setup share names with it
packages=(nfs-kernel-server redis-server nftables)

set_up() {
  put_user
  put_folder "$media" 0750 risingstars:risingstars
  put_nfs
  put_redis
  local networks
  for networks in "$WEB_NETWORKS" "$WORKER_NETWORKS"; do
    allow "2049, 6379" "$networks" "NFS and Redis"
  done
}

put_nfs() {
  local networks=$WEB_NETWORKS,$WORKER_NETWORKS network list=
  for network in ${networks//,/ }; do
    case " $list" in *" $network("*) continue ;; esac
    list+=" $network(rw,sync,no_subtree_check,root_squash)"
  done
  put_folder /etc/exports.d 0755 root:root
  put /etc/exports.d/risingstars.exports 644 root:root <<<"$media$list"
  put_folder /etc/nfs.conf.d 0755 root:root
  put /etc/nfs.conf.d/risingstars.conf 644 root:root <"$here/files/nfs.conf"
  runs nfs-server.service /etc/exports.d/risingstars.exports /etc/nfs.conf.d/risingstars.conf
}

put_redis() {
  local REDIS_PASSWORD=
  if [ ! -s "$etc/redis.password" ]; then
    put "$etc/redis.password" 600 root:root < <(od -An -vtx1 -N24 /dev/urandom | tr -d ' \n')
    echo "         the others need it: REDIS_URL=redis://:PASSWORD@$FILES_ADDRESS:6379/0"
  fi
  REDIS_PASSWORD=$(cat "$etc/redis.password")
  put_filled /etc/redis/risingstars.conf 640 root:redis "$here/files/redis.conf" FILES_ADDRESS REDIS_PASSWORD
  put_drop_in redis-server.service
  runs redis-server.service /etc/redis/risingstars.conf /etc/systemd/system/redis-server.service.d/risingstars.conf
}
