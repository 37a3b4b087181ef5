#!/usr/bin/env bash
# nginx in front of the program's web server. It takes the files of the media from the folder itself.
# shellcheck disable=SC2034,SC2154 # lib.sh and setup share names with it
packages=(ca-certificates openssl ffmpeg nginx nfs-common nftables)

set_up() {
  want_settings SERVER_NAME CLIENT_NETWORKS
  want_program_settings DATABASE_URL REDIS_URL SECRET_KEY
  put_user
  put_program
  put_media_mount
  put_unit risingstars-web.service media
  runs risingstars-web.service /usr/local/bin/risingstars "$etc/risingstars.env" /etc/systemd/system/risingstars-web.service
  put_nginx
  allow "80, 443" "$CLIENT_NETWORKS" "the public"
  allow 9101 "$MONITORING_NETWORKS" metrics
}

put_nginx() {
  local NGINX_USER=risingstars PID_FILE=/run/nginx.pid LOG_DIR=/var/log/nginx STATE_DIR=/var/lib/nginx MEDIA_DIR=$media
  local HTTP_LISTEN=${HTTP_LISTEN:-80} HTTPS_LISTEN=${HTTPS_LISTEN:-443} UPSTREAMS="server 127.0.0.1:8080;"
  local STATUS_LISTEN=127.0.0.1:8081
  local TLS_CERTIFICATE=${TLS_CERTIFICATE:-$etc/tls.crt} TLS_KEY=${TLS_KEY:-$etc/tls.key}
  local template files=()
  put_certificate
  put_folder /etc/nginx/risingstars 0755 root:root
  for template in "$here"/../nginx/templates/*.template; do
    files+=("/etc/nginx/risingstars/$(basename "$template" .template)")
    put_filled "${files[-1]}" 644 root:root "$template" NGINX_USER PID_FILE LOG_DIR STATE_DIR MEDIA_DIR HTTP_LISTEN \
      HTTPS_LISTEN STATUS_LISTEN UPSTREAMS SERVER_NAME TLS_CERTIFICATE TLS_KEY
  done
  put_drop_in nginx.service
  runs nginx.service "${files[@]}" /etc/systemd/system/nginx.service.d/risingstars.conf "$TLS_CERTIFICATE"
}

# put_certificate makes one that signs itself where there is none, so that nginx starts.
put_certificate() {
  if [ -s "$TLS_CERTIFICATE" ] && [ -s "$TLS_KEY" ]; then return; fi
  (
    umask 077
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=${SERVER_NAME%:*}" \
      -addext "subjectAltName=DNS:${SERVER_NAME%:*}" -keyout "$TLS_KEY" -out "$TLS_CERTIFICATE" 2>/dev/null
  )
  changed "$TLS_CERTIFICATE, which no browser trusts: put a real one and its key in their places"
}
