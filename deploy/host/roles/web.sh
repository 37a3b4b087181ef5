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
  put_spare
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
  put_balancer
  files+=(/etc/nginx/risingstars/balancer.conf)
  put_drop_in nginx.service
  runs nginx.service "${files[@]}" /etc/systemd/system/nginx.service.d/risingstars.conf "$TLS_CERTIFICATE"
}

# put_balancer makes nginx take the client's address from the balancers before it, where there are any.
put_balancer() {
  local network text="# deploy/host/setup writes this file."
  for network in ${BALANCER_NETWORKS//,/ }; do text+=$'\n'"set_real_ip_from $network;"; done
  if [ -n "$BALANCER_NETWORKS" ]; then text+=$'\n'"real_ip_header X-Forwarded-For;"$'\n'"real_ip_recursive on;"; fi
  put /etc/nginx/risingstars/balancer.conf 644 root:root <<<"$text"
}

# put_certificate makes a self-signed certificate if there is none, so that nginx starts.
put_certificate() {
  if [ -s "$TLS_CERTIFICATE" ] && [ -s "$TLS_KEY" ]; then return; fi
  (
    umask 077
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=${SERVER_NAME%:*}" \
      -addext "subjectAltName=DNS:${SERVER_NAME%:*}" -keyout "$TLS_KEY" -out "$TLS_CERTIFICATE" 2>/dev/null
  )
  changed "$TLS_CERTIFICATE, which no browser trusts: put a real one and its key in their places"
}

# --- Update without downtime -----------------------------------------------------------------------------------------

# put_spare makes a unit of a second web server, which runs only while the first one restarts.
put_spare() {
  local text
  text=$(fill "$here/files/risingstars-web.service" media)
  text=${text/127.0.0.1:8080/127.0.0.1:8079}
  text=${text/0.0.0.0:9101/127.0.0.1:9102}
  put /etc/systemd/system/risingstars-web-spare.service 644 root:root <<<"${text%\[Install\]*}"
}

# restart_web restarts the web server. If it runs, nginx uses the spare server until it is ready again.
restart_web() {
  if ! systemctl -q is-active risingstars-web.service || ! systemctl -q is-active nginx.service; then
    timeout 120 systemctl restart risingstars-web.service
    return
  fi
  timeout 120 systemctl restart risingstars-web-spare.service && ready 8079 && lead_to 8079 &&
    timeout 120 systemctl restart risingstars-web.service && ready 8080 && lead_to 8080 &&
    systemctl stop risingstars-web-spare.service
}

# ready waits until the web server at a port is.
ready() {
  local tries
  for ((tries = 0; tries < 240; tries++)); do
    if answers "$1"; then return; fi
    sleep 0.5
  done
  return 1
}

# answers asks /readyz by bash alone, since a host need not have curl.
answers() {
  local status
  {
    exec 8<>"/dev/tcp/127.0.0.1/$1" && printf 'GET /readyz HTTP/1.0\r\n\r\n' >&8 && read -r -t 5 _ status _ <&8
    exec 8>&-
  } 2>/dev/null
  [ "${status:-}" = 200 ]
}

# lead_to makes nginx use the web server at a port. For two seconds after its workers of before take no more connections, requests
# that these have taken may still go to the other server.
lead_to() {
  local before tries
  before=$(nginx_workers)
  sed -i "s/server 127\.0\.0\.1:[0-9]*;/server 127.0.0.1:$1;/" /etc/nginx/risingstars/nginx.conf
  systemctl reload nginx.service || return
  for ((tries = 0; tries < 240; tries++)); do
    if ! any_of "$before" "$(nginx_workers)"; then
      sleep 2
      return
    fi
    sleep 0.5
  done
  return 1
}

# nginx_workers lists the processes of nginx that take connections: those of before a reload soon call themselves otherwise, or have ended.
nginx_workers() {
  local process title
  for process in /proc/[0-9]*; do
    title=
    read -r -d '' title 2>/dev/null <"$process/cmdline" || true
    case $title in
      *"shutting down"*) ;;
      "nginx: worker process"*) printf '%s ' "${process#/proc/}" ;;
    esac
  done
}

# any_of LIST LIST succeeds if the lists have a word in common.
any_of() {
  local word
  for word in $1; do
    case " $2 " in *" $word "*) return 0 ;; esac
  done
  return 1
}
