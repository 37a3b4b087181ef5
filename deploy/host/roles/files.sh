#!/usr/bin/env bash
# What the other hosts share: the folder of the media, by NFS, and Redis.
# shellcheck disable=SC2034,SC2154 # lib.sh and setup share names with it
packages=(nfs-kernel-server redis-server nftables)

set_up() {
  put_user
  put_folder "$media" 0750 risingstars:risingstars
  put_nfs
  local networks
  for networks in "$WEB_NETWORKS" "$WORKER_NETWORKS"; do allow 2049 "$networks" NFS; done
  if runs_redis; then put_redis; fi
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
