#!/usr/bin/env bash
# Tries a running Headrace from outside, as a client does, and says what works. docs/deployment.md has examples.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: ./test_deployment.sh BASE_URL [options]

  ./test_deployment.sh http://127.0.0.1:8000                                        make dev, docker compose up
  PROJECT_ID=... ./test_deployment.sh https://... --identity-token gcloud --logs gcloud             Cloud Run

  --flower URL            ask Flower too; with FLOWER_BASIC_AUTH=user:password it is let in
  --logs gcloud           look for errors since the start in Cloud Logging (PROJECT_ID and REGION say where)
  --logs docker           ... in the logs of the containers whose names have "headrace" in them
  --logs FILE             ... in what is added to a log file
  --identity-token TOKEN  for a private Cloud Run service; "gcloud" asks gcloud for one
  --timeout SECONDS       longest wait for one story (default 120)
  --junit FILE            write the results as JUnit XML
  --help                  this

HEADRACE_API_TOKEN is sent as the bearer token if it is set. Exit status 0 when nothing failed, 1 when something did,
2 for wrong arguments. Jobs that it made and that still run at the end are cancelled; the others expire by themselves.
Needs bash 5, curl and python3; gcloud or docker only where their logs are asked for.
HELP
}

wrong() {
  printf 'test_deployment.sh: %s; see --help\n' "$*" >&2
  exit 2
}

base='' flower='' logs='' junit='' identity='' timeout=120
while (($#)); do
  case $1 in
    --flower | --logs | --junit | --identity-token | --timeout)
      [[ -n ${2:-} ]] || wrong "$1 needs a value"
      case $1 in
        --flower) flower=${2%/} ;;
        --logs) logs=$2 ;;
        --junit) junit=$2 ;;
        --identity-token) identity=$2 ;;
        --timeout) timeout=$2 ;;
      esac
      shift
      ;;
    --help | -h) usage && exit ;;
    http://* | https://*) base=${1%/} ;;
    *) wrong "unknown argument $1" ;;
  esac
  shift
done
[[ -n $base ]] || wrong "which deployment? give its URL"
[[ $timeout =~ ^[1-9][0-9]*$ ]] || wrong "--timeout is a number of seconds"
[[ $logs != gcloud || -n ${PROJECT_ID:-} ]] || wrong "--logs gcloud needs PROJECT_ID"
[[ -z $logs || $logs =~ ^(gcloud|docker)$ || -r $logs ]] || wrong "cannot read the log file $logs"
for tool in curl python3; do command -v "$tool" >/dev/null || wrong "$tool is needed and not on the PATH"; done

work=$(mktemp -d)
results=$work/results made=$work/made marker=check-$RANDOM$RANDOM
touch "$results" "$made"
started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
log_size=0
[[ ! -f $logs ]] || log_size=$(wc -c <"$logs")
bold='' red='' green='' yellow='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
fi

# The payload of the README.
story='{"title": "My Story", "prompt": "A magical adventure", "user_id": "9a0a594c-2699-400b-89e0-4a4ef78ced97"}'
long_story=${story%\}}', "pages": 12}'

# -- Talking to it ----------------------------------------------------------------------------------------------------

# URL: writes a curl configuration with what lets us in there. In a file: command lines are seen by every user.
credentials() {
  local token=$identity
  if [[ $token == gcloud ]]; then
    token=$(gcloud auth print-identity-token --audiences="$1" 2>/dev/null || gcloud auth print-identity-token)
  fi
  [[ -z $token ]] || printf 'header = "X-Serverless-Authorization: Bearer %s"\n' "$token"
}

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# METHOD PATH [curl options]: sets status; leaves answer and headers in files of this check.
request() {
  status=$(curl --silent --show-error --max-time 30 --config "$work/api" --request "$1" --output "$here.body" \
    --dump-header "$here.headers" --write-out '%{http_code}' "$base$2" "${@:3}" 2>"$here.trouble") ||
    fail "$1 $2: $(cat "$here.trouble")"
}

post_story() { # BODY [curl options]
  request POST /stories --header 'Content-Type: application/json' --data "$1" "${@:2}"
  [[ $status != 202 ]] || field id >>"$made"
}

expect() { # STATUS WHAT
  [[ $status == "$1" ]] || fail "$2: got $status instead of $1: $(head -c 300 "$here.body")"
}

# A dotted path into the last answer, as in `field queues.0.name`; nothing if it is not there.
field() {
  python3 -ISc '
import json, sys
value = json.load(open(sys.argv[1]))
for name in sys.argv[2].split("."):
    value = value[int(name)] if isinstance(value, list) and int(name) < len(value) else value.get(name) if isinstance(value, dict) else None
print("" if value is None else value)' "$here.body" "$1" 2>/dev/null || true
}

header() { awk -F': ' -v name="$1" 'tolower($1) == tolower(name) { sub(/\r$/, "", $2); print $2 }' "$here.headers"; }

# JOB STATE: waits for the job to reach that final state.
await() {
  local state='' deadline=$((SECONDS + timeout))
  while ((SECONDS <= deadline)); do
    request GET "/jobs/$1"
    expect 200 "GET /jobs/$1"
    state=$(field state)
    case $state in
      "$2") return ;;
      completed | failed | cancelled | expired) fail "job $1 is $state: $(field error) instead of $2" ;;
    esac
    sleep 0.3
  done
  fail "job $1 is still $state after $timeout s: $(field waiting) $(field progress)"
}

# -- The checks -------------------------------------------------------------------------------------------------------

check_health() {
  local probe
  for probe in live ready startup; do
    request GET "/health/$probe"
    expect 200 "/health/$probe"
  done
}

check_workers() {
  request GET /workers
  expect 200 /workers
  [[ -n $(field workers.0.id) ]] || fail "no worker has reported in the last minute: jobs will wait; look at the worker's log"
  echo "$(field workers.0.id), version $(field workers.0.version)"
}

check_queues() {
  request GET /queues
  expect 200 /queues
  [[ -n $(field queues.0.name) ]] || fail "no queue is listed"
  echo "$(field queues.0.name): $(field queues.0.queued) waiting"
}

check_story() {
  local job location
  post_story "$story"
  expect 202 "POST /stories"
  job=$(field id) location=$(header location)
  [[ $location == */jobs/$job ]] || fail "Location is '$location', not that of job $job"
  await "$job" completed
  [[ $(field result.title) == "My Story" ]] || fail "the result has another title: $(field result.title)"
  request GET "/jobs/$job/files/story.pdf" --location
  expect 200 "the PDF"
  [[ $(head -c 5 "$here.body") == %PDF- ]] || fail "story.pdf is not a PDF"
  echo "job $job, $(wc -c <"$here.body") bytes of PDF"
}

follow() { # JOB [LAST-EVENT-ID]: prints "ID EVENT" for each event of the stream until it ends
  curl --silent --no-buffer --max-time "$timeout" --config "$work/api" ${2:+--header "Last-Event-ID: $2"} \
    --header 'Accept: text/event-stream' --dump-header "$here.headers" "$base/jobs/$1/events" |
    awk '/^id: / { id = $2 } /^event: / { event = $2 } /^$/ && id { print id, event; id = "" }'
}

check_events() {
  local job last
  post_story "$story"
  expect 202 "POST /stories"
  job=$(field id)
  follow "$job" >"$here.live" || fail "the stream of job $job did not end within $timeout s"
  [[ $(header content-type) == text/event-stream* ]] || fail "the events are $(header content-type)"
  awk '$1 != NR { exit 1 }' "$here.live" || fail "events are missing: $(tr '\n' ' ' <"$here.live")"
  last=$(tail -n 1 "$here.live")
  [[ $last == *" completed" ]] || fail "the stream ended with '$last'"
  follow "$job" 2 >"$here.resumed" || fail "the stream did not resume"
  cmp --silent <(tail -n +3 "$here.live") "$here.resumed" || fail "after event 2 came: $(tr '\n' ' ' <"$here.resumed")"
  request GET "/jobs/$job/events" --header "Last-Event-ID: ${last%% *}" --header 'Accept: text/event-stream'
  expect 204 "a stream that was seen to its end"
  echo "${last%% *} events"
}

check_idempotency() {
  local job key="Idempotency-Key: $marker"
  post_story "$story" --header "$key"
  expect 202 "the first POST"
  job=$(field id)
  post_story "$story" --header "$key"
  expect 202 "its repeat"
  [[ $(field id) == "$job" ]] || fail "the repeat made another job"
  [[ $(header idempotent-replayed) == true ]] || fail "the repeat does not say Idempotent-Replayed: true"
  post_story "$long_story" --header "$key"
  expect 422 "another body under the same key"
}

check_cancel() {
  local job attempt
  for attempt in first second third; do
    post_story "$long_story"
    expect 202 "POST /stories"
    job=$(field id)
    request POST "/jobs/$job/cancel"
    expect 200 "the cancel"
    [[ $(field state) != completed ]] || continue # done before it could be cancelled
    await "$job" cancelled
    echo "the $attempt job"
    return
  done
  fail "three stories were done before they could be cancelled"
}

problem() { # STATUS WHAT
  expect "$1" "$2"
  [[ $(header content-type) == application/problem+json* ]] || fail "$2: not a problem but $(header content-type)"
  [[ $(field status) == "$1" && -n $(field type) && -n $(field title) && -n $(field detail) ]] ||
    fail "$2: not as RFC 9457 has it: $(cat "$here.body")"
}

check_errors() {
  request GET /jobs/00000000-0000-0000-0000-000000000000
  problem 404 "a job that is not there"
  request GET /nowhere
  problem 404 "a path that is not there"
  post_story '{"prompt": "without a title"}'
  problem 422 "a story without a title"
  [[ $(field errors.0.field) == *title* ]] || fail "the 422 does not name the field: $(field errors)"
  request POST /stories --header 'Content-Type: text/plain' --data "$story"
  problem 415 "a story as text/plain"
  request PUT /stories
  problem 405 "PUT /stories"
}

check_five_at_once() {
  local i pids=() pid failed=0
  for i in 1 2 3 4 5; do
    curl --silent --show-error --max-time 30 --config "$work/api" --header 'Content-Type: application/json' \
      --data "$story" --output "$here.$i" --write-out '%{http_code} %{time_total}\n' "$base/stories" >"$here.$i.said" 2>&1 &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  for i in 1 2 3 4 5; do
    [[ $(cat "$here.$i.said") == 202\ * ]] || failed=1
    if cp "$here.$i" "$here.body" 2>/dev/null; then field id >>"$made"; fi
  done
  ((failed == 0)) || fail "of five at once: $(cat "$here".?.said | tr '\n' ';')"
  sort -k2 -n "$here".?.said | awk '{ t[NR] = $2 } END { printf "202 after %.3f s, %.3f s, %.3f s (fastest, median, slowest)\n", t[1], t[3], t[5] }'
  for i in $(tail -n 5 "$made"); do await "$i" completed; done
}

check_flower() {
  local code
  credentials "$flower" >"$work/flower"
  code=$(curl --silent --max-time 30 --config "$work/flower" --output /dev/null --write-out '%{http_code}' "$flower/") || fail "$flower does not answer"
  if [[ -n ${FLOWER_BASIC_AUTH:-} ]]; then
    [[ $code == 401 ]] || fail "without user and password Flower answers $code instead of 401"
    printf 'user = "%s"\n' "$FLOWER_BASIC_AUTH" >>"$work/flower"
  fi
  code=$(curl --silent --max-time 30 --config "$work/flower" --output "$here.body" --write-out '%{http_code}' "$flower/") || true
  [[ $code == 200 ]] || fail "Flower answers $code instead of 200"
  grep -qi flower "$here.body" || fail "what answers at $flower is not Flower"
}

check_logs() {
  case $logs in
    gcloud) cloud_errors >"$here.errors" ;;
    docker)
      docker ps --quiet --filter name=headrace >"$here.containers" || fail "docker does not answer"
      [[ -s $here.containers ]] || fail "no container has headrace in its name"
      while read -r container; do
        docker logs --since "$started" "$container" 2>&1 || fail "docker has no logs of container $container"
      done <"$here.containers" >"$here.log"
      errors <"$here.log" >"$here.errors" || fail "what is in the logs cannot be read"
      ;;
    *) tail -c +$((log_size + 1)) "$logs" | errors >"$here.errors" || fail "$logs cannot be read" ;;
  esac
  [[ ! -s $here.errors ]] || fail "$(wc -l <"$here.errors") errors since the start, such as: $(head -n 3 "$here.errors")"
}

# Lines that are errors: JSON by its severity, text by its form; requests by a status of 500 or more.
errors() {
  python3 -ISc '
import json, re, sys
text = re.compile(r"\[(error|critical)\s*\]|^(ERROR|CRITICAL)|Traceback \(most recent call last\)|HTTP/[\d.]+\" 5\d\d")
for line in sys.stdin:
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    severe = {"ERROR", "CRITICAL", "ALERT", "EMERGENCY"}
    if said.get("severity") in severe if isinstance(said, dict) else text.search(line):
        print(line.strip()[:500])'
}

cloud_errors() {
  local where deadline=$((SECONDS + 90))
  where="resource.labels.location=\"${REGION:-us-central1}\" AND timestamp>=\"$started\""
  # Logs arrive late: what we ask for now must be there before the absence of errors says anything.
  request GET "/health/live?$marker"
  until [[ -n $(read_logs "httpRequest.requestUrl:\"$marker\" AND $where") ]]; do
    ((SECONDS < deadline)) || fail "Cloud Logging does not show our own request after 90 s"
    sleep 3
  done
  read_logs "severity>=ERROR AND resource.type:\"cloud_run\" AND $where" || fail "gcloud cannot read the logs"
}

read_logs() {
  gcloud logging read "$1" --project="$PROJECT_ID" --limit=20 \
    --format='value(timestamp,severity,textPayload,jsonPayload.message,httpRequest.requestUrl,httpRequest.status)'
}

# -- Running them -----------------------------------------------------------------------------------------------------

clean_up() {
  local job
  sort -u "$made" | { grep . || true; } | while read -r job; do
    # Also a finished one may be told: it then stays what it is.
    curl --silent --max-time 10 --config "$work/api" --request POST --output /dev/null "$base/jobs/$job/cancel" || true
  done
  rm -rf "$work"
}

# NAME WHAT: runs check_NAME in a process of its own, and notes how it went.
check() {
  local before=$EPOCHREALTIME verdict=passed said
  here=$work/$1
  if ! ("check_$1") >"$here.said" 2>&1; then verdict=FAILED; fi
  said=$(tr '\n\t' '  ' <"$here.said")
  note "$verdict" "$(awk -v a="$before" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')" "$2" "$said"
  [[ $verdict == passed ]]
}

note() { # VERDICT SECONDS WHAT SAID
  local colour=$green
  printf '%s\t%s\t%s\t%s\n' "$@" >>"$results"
  case $1 in FAILED) colour=$red ;; skipped) colour=$yellow ;; esac
  printf '%s%-7s%s %6s s  %-28s %s\n' "$colour" "$1" "$plain" "$2" "$3" "$4"
}

write_junit() {
  python3 -ISc '
import sys, xml.etree.ElementTree as xml
rows = [line.rstrip("\n").split("\t") for line in open(sys.argv[1])]
count = lambda verdict: str(sum(row[0] == verdict for row in rows))
suite = xml.Element("testsuite", name="test_deployment", hostname=sys.argv[3], timestamp=sys.argv[4].rstrip("Z"), tests=str(len(rows)),
    failures=count("FAILED"), errors="0", skipped=count("skipped"), time="%.1f" % sum(float(row[1]) for row in rows))
for verdict, seconds, what, said in rows:
    case = xml.SubElement(suite, "testcase", classname="deployment", name=what, time=seconds)
    if verdict != "passed":
        xml.SubElement(case, "failure" if verdict == "FAILED" else "skipped", message=said)
xml.ElementTree(suite).write(sys.argv[2], encoding="utf-8", xml_declaration=True)' "$results" "$junit" "$base" "$started"
}

umask 077
trap clean_up EXIT
trap 'exit 130' INT TERM
credentials "$base" >"$work/api"
[[ -z ${HEADRACE_API_TOKEN:-} ]] || printf 'header = "Authorization: Bearer %s"\n' "$HEADRACE_API_TOKEN" >>"$work/api"

printf '%s%s%s\n' "$bold" "$base" "$plain"
check health "health" || true
check workers "a worker is there" || true
check queues "queues" || true
check errors "errors as problem+json" || true
check idempotency "idempotency" || true
check cancel "cancel" || true
if check story "a story, end to end"; then
  check events "events, live and resumed" || true
  check five_at_once "five stories at once" || true
else
  note FAILED 0.0 "events, live and resumed" "not tried: not even one story gets done"
  note FAILED 0.0 "five stories at once" "not tried: not even one story gets done"
fi
if [[ -n $flower ]]; then check flower "Flower" || true; else note skipped 0.0 "Flower" "no --flower"; fi
if [[ -n $logs ]]; then check logs "no errors in the logs" || true; else note skipped 0.0 "no errors in the logs" "no --logs"; fi

[[ -z $junit ]] || write_junit
failed=$(grep -c '^FAILED' "$results" || true)
if ((failed)); then
  printf '%s%s of %s checks failed%s\n' "$red" "$failed" "$(wc -l <"$results")" "$plain"
  exit 1
fi
printf '%sNothing failed%s\n' "$green" "$plain"
