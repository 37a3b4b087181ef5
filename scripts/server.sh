#!/usr/bin/env bash
# Starts bin/risingstars for a script that tests it, and ends it. Sourced by scripts/newman and scripts/fuzz-api, which define say and
# die, and set work to a folder of their own. They call end_server when they end, however they end.

: "${work:?}"
base_url=
server=
client=
patience=180 # seconds for what must happen, on a busy machine too

# start_server NAME=VALUE… starts the program with these settings, on a port that it chooses, with an empty data directory and nothing of the
# environment's settings: a DATABASE_URL that is left there must not be tested against. It returns when the program is ready, at $base_url.
start_server() {
  local deadline=$((SECONDS + patience))
  [ -x bin/risingstars ] || die "no bin/risingstars: run make build"
  : >"$work/server.out"
  env -i PATH="$PATH" HOME="${HOME:-$work}" TMPDIR="$work" LISTEN_ADDR=127.0.0.1:0 DATA_DIR="$work/data" "$@" \
    bin/risingstars serve >"$work/server.out" 2>"$work/server.log" &
  server=$!
  until is_ready; do
    if ! kill -0 "$server" 2>/dev/null; then die "the server ended before it was ready: $(tail -n 5 "$work/server.log")"; fi
    if [ $SECONDS -ge $deadline ]; then die "the server was not ready within $patience s"; fi
    sleep 0.1
  done
}

is_ready() {
  base_url=$(sed -n 's|^ *web site *\(http://[^/]*\)/.*|\1|p' "$work/server.out")
  [ -n "$base_url" ] && curl --silent --fail --max-time 60 --output /dev/null "$base_url/readyz"
}

# as_client COMMAND… runs a command that uses the server. bash waits for it by wait, which a signal interrupts; end_server then ends it.
as_client() {
  local status=0
  "$@" &
  client=$!
  wait "$client" || status=$?
  client=
  return $status
}

# end_server ends the client, if one is running, and asks the server to stop. It fails if the server does not.
end_server() {
  local deadline=$((SECONDS + patience))
  if [ -n "$client" ]; then kill "$client" 2>/dev/null || true; fi
  if [ -z "$server" ]; then return; fi
  kill "$server" 2>/dev/null || true
  while kill -0 "$server" 2>/dev/null; do
    if [ $SECONDS -ge $deadline ]; then
      say "the server did not stop within $patience s"
      kill -KILL "$server" 2>/dev/null || true
      return 1
    fi
    sleep 0.1
  done
}
