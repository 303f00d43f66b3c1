#!/usr/bin/env bash
# What the upstream key has used and what is left of its limit: one line of curl and jq.
set -euo pipefail

curl --silent "$BASE_URL/auth/key" --header "Authorization: Bearer $API_KEY" |
    jq --compact-output '.data | {
        credits_used: .usage, credit_limit: .limit, remaining: ((.limit // 0) - .usage), is_free_tier, rate_limit
    }'
