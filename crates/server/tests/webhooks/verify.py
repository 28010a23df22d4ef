"""Verifies a message with the library that Standard Webhooks publishes. Standard input: secret, headers, body as JSON."""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

given = json.load(sys.stdin)
try:
    Webhook(given["secret"]).verify(given["body"].encode(), given["headers"])
    print("believed")
except WebhookVerificationError as error:
    print("refused:", error)
