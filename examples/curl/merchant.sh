#!/usr/bin/env bash
# One purchase by curl: an order that is safe to repeat, followed to its end, and given back in part.
#
#   PLATFORM_URL=http://127.0.0.1:8081 API_KEY=cf_test_… ./merchant.sh
#
# Needs curl and jq. With a test key it makes itself a test card that agrees; CARD=card_… names another.
# Webhooks need a server: see ../python and ../typescript.
set -euo pipefail

url=${PLATFORM_URL:-http://127.0.0.1:8081}
key=${API_KEY:?set it to your API key: cf_test_…}
answer=$(mktemp -d)
trap 'rm -rf "$answer"' EXIT

# call METHOD PATH [BODY [IDEMPOTENCY_KEY]]: prints the answer's body.
# Whatever was lost or came too early is sent again, the same bytes under the same key: the platform then does it once.
call() {
    local method=$1 path=$2 body=${3-} idempotency=${4-} attempt status wait
    local options=(--silent --max-time 35 --request "$method" --header @- --output "$answer/body" --dump-header "$answer/head")
    [ -z "$body" ] || options+=(--header 'Content-Type: application/json' --data-binary "$body")
    [ -z "$idempotency" ] || options+=(--header "Idempotency-Key: $idempotency")
    for attempt in 1 2 3 4 5; do
        : >"$answer/head"
        # The API key goes in by standard input: arguments of a process can be read by others.
        status=$(curl "${options[@]}" --write-out '%{http_code}' "$url$path" <<<"Authorization: Bearer $key") || status=000
        case $status in
            2??)
                cat "$answer/body"
                return
                ;;
            # No answer, too many requests, too much to do, too late: again.
            000 | 429 | 503 | 504)
                # A POST without an idempotency key could be done twice.
                [ "$method" != POST ] || [ -n "$idempotency" ] || break
                wait=$(sed -n 's/^retry-after: *\([0-9]*\).*/\1/Ip' "$answer/head" 2>/dev/null)
                sleep "${wait:-$attempt}"
                ;;
            *) break ;;
        esac
    done
    # `code` is for programs and never changes its meaning; `detail` is for people.
    echo "$method $path: $status $(jq -r '"\(.code): \(.detail)"' "$answer/body" 2>/dev/null || echo 'no answer')" >&2
    return 1
}

card=${CARD:-}
if [ -z "$card" ]; then
    card=$(call POST /v1/test/cards '{}' "card-$(uuidgen 2>/dev/null || cat /proc/sys/kernel/random/uuid)" | jq -r .id)
fi

# Your own number of this purchase, kept before you ask: whoever asks again after a crash asks with the same one.
purchase=purchase-$(date +%s)-$$
wanted=$(jq -cn --arg card "$card" --arg reference "$purchase" \
    '{amount: 2000, currency: "CNY", card: $card, place: "Corner Shop", reference: $reference}')

order=$(call POST /v1/orders "$wanted" "$purchase")
id=$(jq -r .id <<<"$order")
echo "order $id; send the buyer to $(jq -r .pay_url <<<"$order")"

# Did it arrive? Ask again, and it is the same order.
again=$(call POST /v1/orders "$wanted" "$purchase" | jq -r .id)
[ "$again" = "$id" ] || { echo "two orders: $id and $again" >&2; exit 1; }
echo "asked again: the same order"

# An order ends by itself, in three minutes if nothing else was asked for.
while state=$(call GET "/v1/orders/$id" | jq -r .state); do
    case $state in
        awaiting_card | processing) sleep 1 ;;
        *) break ;;
    esac
done
echo "order $state"
if [ "$state" != paid ]; then
    echo "not paid: $(call GET "/v1/orders/$id" | jq -r '.reason // .state')" >&2
    exit 3
fi

# A refund has a key of its own.
refund=$(call POST "/v1/orders/$id/refunds" '{"amount":500,"reference":"cold tea"}' "$purchase-refund-1")
echo "refund $(jq -r .id <<<"$refund"): $(jq -r '"\(.amount) of \($paid) \(.currency)"' --arg paid "$(jq -r .amount <<<"$order")" <<<"$refund")"
echo "the order now says: $(call GET "/v1/orders/$id" | jq -r '"refunded \(.refunded), \(.refund_state)"')"
