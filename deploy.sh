#!/usr/bin/env bash
# Deploys Headrace to Cloud Run: worker, API, Flower and the drain job. docs/deployment.md has the whole story.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: ./deploy.sh [--only api|worker|flower|drain]... [--dry-run | --rollback] [--help]

Deploys images that are in the registry already. Each service gets a new revision without traffic, which is asked for
its health and then gets all traffic. When anything fails, everything serves as before, and the exit status is 1.

  --only PART   only this part; may be repeated (default: worker, api, flower, drain, in this order)
  --dry-run     look at the project, change nothing, print the commands that would change something
  --rollback    give all traffic back to the revisions that served before the last deployment
  --help        this

Settings come from the environment or from deploy.env beside this script; deploy.env.example explains each.
Needs bash 5, gcloud (logged in) and curl.
HELP
}

# Name and default of every setting. "!" has no default and must be set; an empty one is optional.
SETTINGS=(
  PROJECT_ID='!' REGION=us-central1 IMAGE_TAG=latest API_IMAGE= WORKER_IMAGE= FILES_URL='!'
  API_ACCESS=private WORKER_AS=auto WORKER_INSTANCES=1 SERVICE_ACCOUNT= NETWORK= SUBNET= VPC_CONNECTOR=
  REDIS_URL_SECRET=headrace-redis-url FLOWER_AUTH_SECRET=headrace-flower-auth API_TOKEN_SECRET=
  OPENAI_API_KEY_SECRET= GEMINI_API_KEY_SECRET= EXTRA_ENV= DRAIN_MAX_RUNTIME=300 DRAIN_EMPTY_QUEUE_TIMEOUT=60
  HEALTH_TIMEOUT=90
)
API=headrace-api WORKER=headrace-worker FLOWER=headrace-flower DRAIN=headrace-drain
dry_run=false rollback=false parts=()
undo=() # "service NAME REVISION=PERCENT,..." or "pool NAME REVISION=100": what served before, for each part touched

# -- What is said, and what is run ------------------------------------------------------------------------------------

bold='' red='' green='' plain=''
if [[ -t 2 && -z ${NO_COLOR:-} ]]; then bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'; fi
say() { printf '%s\n' "$*" >&2; }
step() { say "${bold}==> $*${plain}"; }
die() {
  say "${red}deploy.sh: $*${plain}"
  exit 1
}

gc() { gcloud --project="$PROJECT_ID" --quiet "$@"; }

# A command that changes something: not run, but printed, with --dry-run.
change() {
  if $dry_run; then
    { printf '%q' gcloud && printf ' %q' --project="$PROJECT_ID" --quiet "$@" && echo; }
  else
    gc "$@" >&2
  fi
}

# -- Settings ---------------------------------------------------------------------------------------------------------

parse_arguments() {
  while (($#)); do
    case $1 in
      --only)
        [[ ${2:-} =~ ^(api|worker|flower|drain)$ ]] || die "--only takes api, worker, flower or drain"
        parts+=("$2")
        shift
        ;;
      --dry-run) dry_run=true ;;
      --rollback) rollback=true ;;
      --help | -h)
        usage
        exit
        ;;
      *) die "unknown argument $1; see --help" ;;
    esac
    shift
  done
  $dry_run && $rollback && die "--dry-run is for deployments; a rollback only moves traffic"
  ((${#parts[@]})) || parts=(worker api flower drain)
}

includes() { [[ " ${parts[*]} " == *" $1 "* ]]; }

read_settings() {
  local file line name setting
  file=${DEPLOY_ENV:-$(dirname "${BASH_SOURCE[0]}")/deploy.env}
  if [[ -e $file ]]; then
    while IFS= read -r line || [[ -n $line ]]; do
      [[ $line =~ ^[[:space:]]*(#|$) ]] && continue
      name=${line%%=*}
      [[ $line == *=* && " ${SETTINGS[*]}" == *" $name="* ]] || die "$file: no setting is called '$name'"
      [[ -n ${!name+set} ]] || printf -v "$name" '%s' "${line#*=}" # the environment wins
    done <"$file"
  fi
  for setting in "${SETTINGS[@]}"; do
    name=${setting%%=*}
    [[ -n ${!name:-} ]] && continue
    [[ ${setting#*=} != '!' ]] || die "$name is not set; set it in the environment or in deploy.env"
    printf -v "$name" '%s' "${setting#*=}"
  done
  local repository=$REGION-docker.pkg.dev/$PROJECT_ID/headrace
  API_IMAGE=${API_IMAGE:-$repository/api:$IMAGE_TAG}
  WORKER_IMAGE=${WORKER_IMAGE:-$repository/worker:$IMAGE_TAG}
  [[ $API_ACCESS =~ ^(private|public)$ ]] || die "API_ACCESS is private or public, not '$API_ACCESS'"
  [[ $WORKER_AS =~ ^(auto|pool|service)$ ]] || die "WORKER_AS is auto, pool or service, not '$WORKER_AS'"
  [[ $API_ACCESS == private || -n $API_TOKEN_SECRET ]] ||
    die "API_ACCESS=public lets everyone make jobs; name the secret of a token in API_TOKEN_SECRET"
  [[ $FILES_URL =~ ^(gs|s3):// ]] || die "FILES_URL is a bucket, as in gs://my-bucket/headrace, not '$FILES_URL'"
  for name in WORKER_INSTANCES DRAIN_MAX_RUNTIME DRAIN_EMPTY_QUEUE_TIMEOUT HEALTH_TIMEOUT; do
    [[ ${!name} =~ ^[0-9]+$ ]] || die "$name is a whole number, not '${!name}'"
  done
  [[ -z $VPC_CONNECTOR || -z $NETWORK$SUBNET ]] || die "set either VPC_CONNECTOR, or NETWORK and SUBNET"
  [[ -n $VPC_CONNECTOR || -n $NETWORK$SUBNET ]] ||
    die "Redis has a private address: set NETWORK and SUBNET (Direct VPC egress), or VPC_CONNECTOR"
}

# -- Pre-flight -------------------------------------------------------------------------------------------------------

check_tools() {
  local tool
  for tool in gcloud curl; do
    command -v "$tool" >/dev/null || die "$tool is needed and not on the PATH"
  done
}

check_project() {
  local enabled api missing=()
  gc projects describe "$PROJECT_ID" --format='value(projectId)' >/dev/null ||
    die "no access to project $PROJECT_ID; check PROJECT_ID, and log in with: gcloud auth login"
  enabled=$(gc services list --enabled --format='value(config.name)') || die "cannot list the APIs of $PROJECT_ID"
  for api in run secretmanager artifactregistry; do
    grep -qx "$api.googleapis.com" <<<"$enabled" || missing+=("$api.googleapis.com")
  done
  ((${#missing[@]} == 0)) || die "APIs are not enabled; run: gcloud services enable ${missing[*]} --project=$PROJECT_ID"
}

# NAME of a secret -> NAME:VERSION, so that a revision means the same forever, and a rollback brings the old value back.
pinned() {
  local version
  version=$(gc secrets versions describe latest --secret="$1" --format='value(name.basename(),state)') ||
    die "secret $1 has no version; make one with: printf %s VALUE | gcloud secrets create $1 --data-file=- --project=$PROJECT_ID"
  [[ $version == *[Ee][Nn][Aa][Bb][Ll][Ee][Dd] ]] || die "the latest version of secret $1 is disabled; enable it or add one"
  printf '%s:%s' "$1" "${version%%[[:space:]]*}"
}

# IMAGE -> the same by digest: a tag may point elsewhere tomorrow.
by_digest() {
  local image
  [[ $1 != *@sha256:* ]] || { printf %s "$1" && return; }
  image=$(gc artifacts docker images describe "$1" --format='value(image_summary.fully_qualified_digest)') ||
    die "image $1 is not in the registry; build it with cloudbuild.yaml, or set IMAGE_TAG"
  printf %s "$image"
}

# Sets `pools` to gcloud's command group for worker pools and `scale` to its flag, or WORKER_AS to service.
find_pools() {
  local track help
  if [[ $WORKER_AS != service ]]; then
    for track in '' beta; do
      help=$(gcloud ${track:+"$track"} run worker-pools deploy --help 2>/dev/null) || continue
      pools=(${track:+"$track"} run worker-pools)
      if [[ $help == *--instances* ]]; then scale=--instances; else scale=--scaling; fi
      WORKER_AS=pool
      return
    done
    [[ $WORKER_AS == auto ]] || die "this gcloud has no worker pools; update it, or set WORKER_AS=service"
  fi
  WORKER_AS=service
}

# Sets the flags that the parts share.
prepare() {
  local secrets name
  common=(--region="$REGION")
  if [[ -n $VPC_CONNECTOR ]]; then
    common+=(--vpc-connector="$VPC_CONNECTOR" --vpc-egress=private-ranges-only)
  elif [[ -n $NETWORK$SUBNET ]]; then
    common+=(${NETWORK:+--network="$NETWORK"} ${SUBNET:+--subnet="$SUBNET"} --vpc-egress=private-ranges-only)
  fi
  common+=(${SERVICE_ACCOUNT:+--service-account="$SERVICE_ACCOUNT"})
  # ^|^: what separates them, as values may have commas. EXTRA_ENV is separated by spaces.
  common+=("--set-env-vars=^|^HEADRACE_LOG_FORMAT=json|HEADRACE_FILES_URL=$FILES_URL${EXTRA_ENV:+|${EXTRA_ENV// /|}}")
  redis=REDIS_URL=$(pinned "$REDIS_URL_SECRET")
  api_secrets=$redis worker_secrets=$redis flower_secrets=$redis
  if [[ -n $API_TOKEN_SECRET ]]; then
    secrets=$(pinned "$API_TOKEN_SECRET")
    api_secrets+=,HEADRACE_API_TOKEN=$secrets
  fi
  for name in OPENAI_API_KEY GEMINI_API_KEY; do
    secrets=${name}_SECRET
    [[ -n ${!secrets} ]] || continue
    secrets=$(pinned "${!secrets}")
    worker_secrets+=,$name=$secrets
  done
  if includes flower; then
    secrets=$(pinned "$FLOWER_AUTH_SECRET")
    flower_secrets+=,FLOWER_BASIC_AUTH=$secrets
  fi
  if includes api; then API_IMAGE=$(by_digest "$API_IMAGE"); fi
  # One image for all three.
  if includes worker || includes flower || includes drain; then WORKER_IMAGE=$(by_digest "$WORKER_IMAGE"); fi
}

# -- Services ---------------------------------------------------------------------------------------------------------

# Lines NAME,URL,REVISION,PERCENT,TAG,TAG_URL, one for each target of each service's traffic.
traffic() {
  gc run services list --region="$REGION" --flatten='status.traffic[]' --format="csv[no-heading](metadata.name,status.url,
    status.traffic.revisionName,status.traffic.percent,status.traffic.tag,status.traffic.url)"
}

# NAME -> REVISION=PERCENT,... of what serves now. A service's latest ready revision need not.
serving() {
  traffic | awk -F, -v name="$1" '$1 == name && $3 && $4 > 0 { sum[$3] += $4 }
    END { for (revision in sum) printf "%s%s=%s", n++ ? "," : "", revision, sum[revision] }'
}

# NAME TAG -> REVISION TAG_URL URL; nothing if nothing has the tag.
tagged() { traffic | awk -F, -v name="$1" -v tag="$2" '$1 == name && $5 == tag { print $3, $6, $2 }'; }

# URL AUDIENCE: asks until it answers with 2xx, for HEALTH_TIMEOUT seconds at most. A private service wants an identity
# token; a user's, unlike a service account's, cannot be made for one audience. The header leaves Authorization free.
healthy() {
  local url=$1 status='' token header='' deadline=$((SECONDS + HEALTH_TIMEOUT))
  token=$(gc auth print-identity-token --audiences="$2" 2>/dev/null || gc auth print-identity-token 2>/dev/null || true)
  [[ -z $token ]] || header="header = \"X-Serverless-Authorization: Bearer $token\""
  while :; do
    status=$(curl --silent --output /dev/null --write-out '%{http_code}' --max-time 10 --config - "$url" <<<"$header") || true
    [[ $status != 2* ]] || return 0
    ((SECONDS < deadline)) || break
    sleep 2
  done
  say "$url answered ${status/#000/not at all} for $HEALTH_TIMEOUT s"
  return 1
}

# NAME HEALTH_PATH FLAGS...: a new revision without traffic, its health, then all traffic; a service that serves
# nothing yet has none to keep from it.
deploy_service() {
  local name=$1 path=$2 before revision='' address='' url='' tags=--clear-tags quiet=()
  shift 2
  before=$(serving "$name")
  step "$name (serving now: ${before:-nothing})"
  if [[ -n $before ]]; then
    quiet=(--no-traffic)
    tags=--set-tags=previous=$(tr , '\n' <<<"$before" | sort -t= -k2 -nr | head -n 1 | cut -d= -f1)
    undo+=("service $name $before")
  fi
  change run deploy "$name" --tag=candidate "${quiet[@]}" "${common[@]}" "$@" || die "$name: the new revision did not start"
  if ! $dry_run; then
    read -r revision address url <<<"$(tagged "$name" candidate)"
    [[ -n $address ]] || die "$name: the new revision has no address"
    healthy "$address$path" "$url" || die "$name: the new revision is not healthy"
  fi
  # Explicitly to the latest: after a rollback, a plain deployment would leave the new revision at 0 % without a word.
  change run services update-traffic "$name" --region="$REGION" --to-latest "$tags" || die "$name: traffic was not moved"
  $dry_run || [[ $(serving "$name") == "$revision=100" ]] || die "$name: $revision does not get all traffic"
  $dry_run || say "${green}$name: $revision serves at $url${plain}"
}

# NAME REVISION=PERCENT,...: judged by what serves afterwards. gcloud also fails when the latest revision is a broken one.
restore_service() {
  [[ $(serving "$1") != "$2" ]] || return 0
  change run services update-traffic "$1" --region="$REGION" --to-revisions="$2" || true
  [[ $(serving "$1") == "$2" ]]
}

probes() { # FAILURES: a start may take that many times 5 s; Direct VPC egress alone may take a minute
  printf '%s\n' "--startup-probe=httpGet.path=/health/startup,httpGet.port=8080,periodSeconds=5,timeoutSeconds=4,failureThreshold=$1" \
    --liveness-probe=httpGet.path=/health/live,httpGet.port=8080,periodSeconds=30,timeoutSeconds=5,failureThreshold=3
}

# -- Worker pools -----------------------------------------------------------------------------------------------------

# A column of the list of pools, for ours; nothing if there is none.
pool() { gc "${pools[@]}" list --region="$REGION" --format="csv[no-heading](metadata.name,$1)" | awk -F, -v name="$WORKER" '$1 == name { print $2 }'; }
pool_serving() { pool 'status.instanceSplits[0].revisionName'; }

deploy_pool() {
  local before labels=()
  before=$(pool_serving)
  step "$WORKER, a worker pool (running now: ${before:-nothing})"
  if [[ -n $before ]]; then
    undo+=("pool $WORKER $before=100")
    labels=(--update-labels="previous-revision=$before")
  fi
  change "${pools[@]}" deploy "$WORKER" --image="$WORKER_IMAGE" "$scale=$WORKER_INSTANCES" --cpu=2 --memory=2Gi \
    --set-secrets="$worker_secrets" "${common[@]}" "${labels[@]}" || die "$WORKER: the new revision did not start"
  change "${pools[@]}" update-instance-split "$WORKER" --region="$REGION" --to-latest || die "$WORKER: instances were not moved"
  $dry_run || [[ $(pool_serving) != "$before" ]] || die "$WORKER: the new revision gets no instances"
}

restore_pool() {
  [[ $(pool_serving) != "${2%%=*}" ]] || return 0
  change "${pools[@]}" update-instance-split "$1" --region="$REGION" --to-revisions="$2"
}

# -- The parts --------------------------------------------------------------------------------------------------------

deploy_worker() {
  if [[ $WORKER_AS == pool ]]; then
    deploy_pool
    return
  fi
  local flags
  mapfile -t flags < <(probes 36)
  deploy_service "$WORKER" /health/ready --image="$WORKER_IMAGE" --memory=2Gi --cpu=2 --no-cpu-throttling --cpu-boost \
    --min="$WORKER_INSTANCES" --max-instances=5 --concurrency=1 --timeout=3600 --port=8080 --no-allow-unauthenticated \
    --set-secrets="$worker_secrets" "${flags[@]}"
}

deploy_api() {
  local flags
  mapfile -t flags < <(probes 36)
  # Without either flag it stays as it is: what is to be public is opened at the end.
  [[ $API_ACCESS == public ]] || flags+=(--no-allow-unauthenticated)
  deploy_service "$API" /health/ready --image="$API_IMAGE" --memory=1Gi --cpu=1 --cpu-throttling --cpu-boost \
    --min=1 --max-instances=10 --concurrency=100 --timeout=300 --port=8080 --set-secrets="$api_secrets" "${flags[@]}"
}

# Access is the service's, not a revision's: what everyone gets to is not to be the revision of before, which may ask for
# no token.
open_api() {
  change run services add-iam-policy-binding "$API" --region="$REGION" --member=allUsers --role=roles/run.invoker ||
    die "$API: it was not opened to everyone; you need run.services.setIamPolicy, or set API_ACCESS=private"
}

# One instance, as Flower keeps what it sees in memory. Two doors: Google's identity, then the user and password.
deploy_flower() {
  # shellcheck disable=SC2016  # PORT is the container's
  deploy_service "$FLOWER" /healthcheck --image="$WORKER_IMAGE" --memory=512Mi --cpu=1 --cpu-throttling --cpu-boost \
    --min=0 --max-instances=1 --concurrency=80 --timeout=3600 --port=8080 --no-allow-unauthenticated \
    --set-secrets="$flower_secrets" --command=sh --args='-c,exec celery -A tasks flower --port="$PORT"'
}

deploy_drain() {
  step "$DRAIN, a job (run it with: gcloud run jobs execute $DRAIN --region=$REGION --project=$PROJECT_ID --wait)"
  change run jobs deploy "$DRAIN" --image="$WORKER_IMAGE" --command=headrace \
    --args="drain,--max-runtime,$DRAIN_MAX_RUNTIME,--empty-queue-timeout,$DRAIN_EMPTY_QUEUE_TIMEOUT" \
    --tasks=1 --max-retries=0 --task-timeout="$((DRAIN_MAX_RUNTIME + 120))s" --cpu=2 --memory=2Gi \
    --set-secrets="$worker_secrets" "${common[@]}" || die "$DRAIN: the job was not deployed"
}

# -- Going back -------------------------------------------------------------------------------------------------------

# Whatever ends this script early: every part touched serves as before.
on_exit() {
  local status=$? kind name before i
  trap - EXIT
  if ((status == 0)) || $dry_run; then exit "$status"; fi
  for ((i = ${#undo[@]} - 1; i >= 0; i--)); do
    read -r kind name before <<<"${undo[i]}"
    if "restore_$kind" "$name" "$before"; then
      say "$name serves as before: $before"
    else
      say "${red}$name could NOT be brought back to $before; look at it now${plain}"
    fi
  done
  exit "$status"
}

roll_back() {
  local name previous part
  for part in "${parts[@]}"; do
    case $part in
      api) name=$API ;;
      worker) name=$WORKER ;;
      flower) name=$FLOWER ;;
      drain) continue ;; # a job has no traffic; deploy it again from the older image
    esac
    if [[ $part == worker && $WORKER_AS == pool ]]; then
      previous=$(pool 'metadata.labels.previous-revision')
      [[ -n $previous ]] || die "$name: no earlier revision is known"
      restore_pool "$name" "$previous=100" || die "$name: $previous could not be brought back"
    else
      read -r previous _ <<<"$(tagged "$name" previous)"
      [[ -n $previous ]] || die "$name: no revision is tagged 'previous', so there is nothing to go back to"
      restore_service "$name" "$previous=100" || die "$name: $previous could not be brought back"
    fi
    say "${green}$name: $previous serves again${plain}"
  done
}

main() {
  local part
  parse_arguments "$@"
  read_settings
  check_tools
  step "Pre-flight: project $PROJECT_ID, region $REGION"
  check_project
  if includes worker; then find_pools; fi
  if $rollback; then
    roll_back
    return
  fi
  prepare
  trap on_exit EXIT
  trap 'exit 130' INT TERM
  for part in worker api flower drain; do
    if includes "$part"; then "deploy_$part"; fi
  done
  if includes api && [[ $API_ACCESS == public ]]; then open_api; fi
  $dry_run || say "Deployed. Now try it: PROJECT_ID=$PROJECT_ID REGION=$REGION ./test_deployment.sh URL --identity-token gcloud --logs gcloud"
}

main "$@"
