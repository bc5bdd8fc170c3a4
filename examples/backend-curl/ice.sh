#!/usr/bin/env bash
# Mints ICE credentials for one user of yours, and prints what the browser needs of them. Needs curl and jq.
#
#     RELAY_API=https://relay.example.com RELAY_KEY=ibk_… ./ice.sh ann
#
# The key stays here: only `iceServers`, and how long they are good for, go to the browser. The label bounds what one
# person can do and makes the pair theirs alone, so that it can be revoked without touching anybody else.
set -euo pipefail
: "${RELAY_API:?is the address of the API}" "${RELAY_KEY:?is an API key}"
user=${1:?usage: ice.sh USER}

body=$(jq --null-input --compact-output --arg user "$user" '{ttl: 3600, "label": $user}')

# The key goes in by a pipe: arguments can be read by everybody on the machine.
answer=$(
  printf 'header = "Authorization: Bearer %s"\n' "$RELAY_KEY" |
    curl --config - --silent --show-error --fail-with-body --max-time 5 --json "$body" "${RELAY_API%/}/v1/credentials"
) || {
  jq --raw-output '"The relay said \(.code): \(.detail)"' <<<"$answer" >&2 || printf '%s\n' "$answer" >&2
  exit 1
}
jq '{iceServers, ttl}' <<<"$answer"
