#!/usr/bin/env python3
"""One purchase in Python: an order that is safe to repeat, followed to its end, given back in part; and what
happened, told by webhooks whose signatures are verified.

    pip install -r requirements.txt
    PLATFORM_URL=http://127.0.0.1:8081 API_KEY=cf_test_… python3 merchant.py

With a test key it makes itself a test card that agrees; CARD=card_… names another. WEBHOOK_URL is where the platform
reaches this program; without it, this machine itself, which the demo and the test mode allow.
"""

import http.client
import http.server
import json
import os
import queue
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

from standardwebhooks import Webhook, WebhookVerificationError

URL = os.environ.get("PLATFORM_URL", "http://127.0.0.1:8081")
KEY = os.environ.get("API_KEY") or sys.exit("set API_KEY to your API key: cf_test_…")
OPEN_STATES = {"awaiting_card", "processing"}
# Too many requests, too much to do, too late: the same again, as late as Retry-After says.
AGAIN = {429, 503, 504}
ATTEMPTS = 5


class Problem(Exception):
    """A refusal. `code` is for programs and never changes its meaning; `detail` is for people."""

    def __init__(self, status, body):
        self.status, self.code = status, body.get("code", "no_answer")
        super().__init__(f"{status} {self.code}: {body.get('detail', '')}")

    @classmethod
    def of(cls, refused):
        try:
            return cls(refused.code, json.loads(refused.read()))
        except ValueError:  # Something between us and the platform answered.
            return cls(refused.code, {"detail": refused.reason})


def request(method, path, body=None, idempotency_key=None, headers=None):
    made = urllib.request.Request(f"{URL}{path}", method=method, headers=headers or {})
    made.add_header("Authorization", f"Bearer {KEY}")
    if body is not None:
        made.data = json.dumps(body).encode()
        made.add_header("Content-Type", "application/json")
    if idempotency_key:
        made.add_header("Idempotency-Key", idempotency_key)
    return made


def call(method, path, body=None, idempotency_key=None):
    """What was lost or came too early is sent again, the same bytes under the same key: it is done once."""
    # A POST without a key could be done twice.
    repeatable = method != "POST" or idempotency_key is not None
    for attempt in range(1, ATTEMPTS + 1):
        made, wait = request(method, path, body, idempotency_key), attempt
        try:
            with urllib.request.urlopen(made, timeout=35) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            problem = Problem.of(refused)
            if method == "DELETE" and problem.status == 404 and attempt > 1:
                return None  # It was done the first time, and the answer was lost.
            if problem.status not in AGAIN:
                raise problem from None
            wait = int(refused.headers.get("Retry-After", attempt))
        except (OSError, http.client.HTTPException) as lost:  # No connection, or none any more.
            problem = Problem(0, {"detail": str(lost)})
        if not repeatable or attempt == ATTEMPTS:
            raise problem
        time.sleep(wait)


def follow(order_id):
    """The events of an order, each once, to its end: whoever was cut off goes on after the last one."""
    last = ""
    while True:
        made = request("GET", f"/v1/orders/{order_id}/events", headers={"Last-Event-ID": last} if last else {})
        try:
            # A comment comes every 15 s: whoever hears nothing for longer was cut off.
            with urllib.request.urlopen(made, timeout=40) as stream:
                event = {}
                for line in stream:
                    name, _, value = line.decode().rstrip("\r\n").partition(":")
                    if name:
                        event[name] = value.removeprefix(" ")
                    elif "data" in event:  # An empty line ends an event; one of comments alone is none.
                        last = event["id"]
                        yield event["event"]
                        event = {}
        except urllib.error.HTTPError as refused:
            if refused.code not in AGAIN:
                raise Problem.of(refused) from None
        except (OSError, http.client.HTTPException):
            pass
        # The stream ends after the order has.
        if call("GET", f"/v1/orders/{order_id}")["state"] not in OPEN_STATES:
            return
        time.sleep(1)


class Receiver:
    """Where the platform posts: a server that believes what is signed, and passes each message on once."""

    def __init__(self):
        self.messages, self.secret, seen = queue.Queue(), None, set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                # The bytes as they came: JSON that was read and written again has another signature.
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    message = Webhook(receiver.secret).verify(body, dict(self.headers.items()))
                except (WebhookVerificationError, ValueError):
                    self.send_error(400)
                    return
                # A message comes at least once. In a shop this set is a table, and what follows a message is done by
                # somebody else: the platform waits for this answer.
                if self.headers["webhook-id"] not in seen:
                    seen.add(self.headers["webhook-id"])
                    receiver.messages.put(message)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("WEBHOOK_PORT", 0))), Handler)
        self.url = os.environ.get("WEBHOOK_URL", f"http://127.0.0.1:{self.server.server_port}/hooks")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, kind, order_id):
        deadline = time.monotonic() + 60
        while True:
            message = self.messages.get(timeout=max(0.0, deadline - time.monotonic()))
            if message["type"] == kind and message["data"]["id"] == order_id:
                return message


def buy(receiver):
    card = os.environ.get("CARD") or call("POST", "/v1/test/cards", {}, f"card-{uuid.uuid4()}")["id"]

    # Your own number of this purchase, kept before you ask: whoever asks again after a crash asks with the same one.
    purchase = f"purchase-{uuid.uuid4()}"
    wanted = {"amount": 2000, "currency": "CNY", "card": card, "place": "Corner Shop", "reference": purchase}
    order = call("POST", "/v1/orders", wanted, purchase)
    print(f"order {order['id']}; send the buyer to {order['pay_url']}", flush=True)

    # Did it arrive? Ask again, and it is the same order.
    assert call("POST", "/v1/orders", wanted, purchase)["id"] == order["id"]
    print("asked again: the same order")

    for event in follow(order["id"]):
        print(f"  {event}", flush=True)
    # An event says that there is something to see; the order says what is true.
    order = call("GET", f"/v1/orders/{order['id']}")
    print(f"order {order['state']}")
    if order["state"] != "paid":
        print(f"not paid: {order['reason'] or order['state']}", file=sys.stderr)
        return 3
    receiver.wait_for("order.paid", order["id"])
    print("webhook order.paid, verified")

    # A refund has a key of its own.
    refund = {"amount": 500, "reference": "cold tea"}
    refund = call("POST", f"/v1/orders/{order['id']}/refunds", refund, f"{purchase}-refund-1")
    print(f"refund {refund['id']}: {refund['amount']} of {order['amount']} {refund['currency']}")
    told = receiver.wait_for("order.refunded", order["id"])["data"]
    print(f"webhook order.refunded, verified: refunded {told['refunded']}, {told['refund_state']}")
    return 0


def main():
    receiver = Receiver()
    wanted = {"url": receiver.url, "kinds": ["order.paid", "order.refunded"], "description": "the example in Python"}
    endpoint = call("POST", "/v1/webhook_endpoints", wanted, f"endpoint-{uuid.uuid4()}")
    # Shown this once: a shop keeps it where it keeps its API key.
    receiver.secret = endpoint["secret"]
    try:
        return buy(receiver)
    finally:
        call("DELETE", f"/v1/webhook_endpoints/{endpoint['id']}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Problem as problem:
        sys.exit(f"refused: {problem}")
    except queue.Empty:
        sys.exit("no webhook came within a minute: see GET /v1/webhook_endpoints/{id}/deliveries")
