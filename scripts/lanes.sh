# shellcheck shell=bash
# Runs the parts of scripts/test in lanes. Sourced by scripts/test, which defines the functions part_NAME and long_NAME, and:
#
#   logs        the folder of the logs
#   form        part or long: which functions are run
#   wanted      the names of the parts to run
#   processors  how many parts that mostly compute may run at once
#
# It works in bash 3.2, macOS's, which has neither associative arrays nor wait -n.

: "${logs:?}" "${form:?}" "${wanted=}" "${processors:?}"

say() { printf 'test: %s\n' "$*"; }

# run_part NAME runs one part in a process group of its own and keeps its log, its time and whether it passed in files,
# because a lane is a process of its own. A part that hangs is ended after part_limit seconds, far beyond its usual time.
part_limit=${PART_LIMIT:-2700}
run_part() {
  local part=$1 start=$SECONDS pid status=0
  say "$part …"
  set -m
  (
    set -e
    "${form}_$part"
  ) </dev/null >"$logs/$part.log" 2>&1 &
  pid=$!
  set +m
  echo $pid >"$logs/$part.pid"
  while kill -0 $pid 2>/dev/null; do
    if [ $((SECONDS - start)) -ge "$part_limit" ]; then
      echo "test: ended after $part_limit s" >>"$logs/$part.log"
      kill -- -$pid 2>/dev/null || true
    fi
    sleep 0.2
  done
  wait $pid || status=$?
  rm "$logs/$part.pid"
  echo $((SECONDS - start)) >"$logs/$part.seconds"
  if [ $status -eq 0 ]; then
    touch "$logs/$part.ok"
    say "$part ok ($((SECONDS - start)) s)"
  else
    say "$part FAILED ($((SECONDS - start)) s)"
  fi
}

# take QUEUE prints the queue's first part and removes it; it fails when the queue is empty. Making a directory is atomic,
# so it serves as the lock.
take() {
  local queue=$logs/$1.queue part
  until mkdir "$queue.lock" 2>/dev/null; do sleep 0.1; done
  part=$(head -n 1 "$queue")
  sed 1d "$queue" >"$queue.rest"
  mv "$queue.rest" "$queue"
  rmdir "$queue.lock"
  [ -n "$part" ] && echo "$part"
}

# lane QUEUE runs the parts of a queue one after the other. Several lanes may share a queue.
lane() {
  local part
  while part=$(take "$1"); do run_part "$part"; done
}

# fill QUEUE PART… puts those of the parts that are wanted into the queue, in this order.
fill() {
  local queue=$1 part
  shift
  for part in "$@"; do
    case " $wanted " in *" $part "*) echo "$part" ;; esac
  done >"$logs/$queue.queue"
}

stop() {
  local file
  for file in "$logs"/*.queue; do : >"$file"; done
  for file in "$logs"/*.pid; do
    if [ -e "$file" ]; then kill -- "-$(cat "$file")" 2>/dev/null || true; fi
  done
}

# run_lanes runs the parts of both queues and returns when all have ended. Parts that mostly compute share one lane for each
# processor; those that mostly wait have a lane of their own.
run_lanes() {
  local i lane lanes=
  for ((i = 0; i < processors; i++)); do
    lane computing &
    lanes="$lanes $!"
  done
  lane waiting &
  lanes="$lanes $!"
  for lane in $lanes; do wait "$lane" || true; done
}

# report_failure PART prints the tests that failed and the end of the log.
report_failure() {
  say "$1 failed:"
  grep -aE '^ *(--- FAIL:|FAIL|not ok|✖|panic:|WARNING: DATA RACE)' "$logs/$1.log" | head -n 40 || true
  say "the last 40 lines of $logs/$1.log:"
  tail -n 40 "$logs/$1.log"
}

# report prints the failures, then a line for each part with its time. It fails when a part has failed.
report() {
  local part result failed=''
  for part in $wanted; do
    if [ ! -e "$logs/$part.ok" ]; then
      failed="$failed $part"
      report_failure "$part"
    elif [ "$part" = go ]; then
      cat "$logs/go.log" # the Go tests' own report is wanted in any case
    fi
  done
  for part in $wanted; do
    result=FAILED
    if [ -e "$logs/$part.ok" ]; then result=ok; fi
    printf 'test: %-10s %5s s  %s\n' "$part" "$(cat "$logs/$part.seconds" 2>/dev/null || echo -)" $result
  done
  if [ -n "$failed" ]; then
    say "FAILED:$failed ($SECONDS s; logs in $logs)"
    return 1
  fi
  say "all passed in $SECONDS s"
}
