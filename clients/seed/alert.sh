#!/usr/bin/env bash
# A line for cron when less than five dollars are left of the key's limit. `farebox alerts check --below 5` does better:
# it knows windows, and keys without a limit.
set -euo pipefail
below=5.0

remaining=$(curl --silent "$BASE_URL/auth/key" --header "Authorization: Bearer $API_KEY" |
    jq '(.data.limit // 0) - .data.usage')
if (($(echo "$remaining < $below" | bc --mathlib))); then
    echo "ALERT: OpenRouter credits low: \$$remaining remaining"
fi
