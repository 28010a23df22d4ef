"""What schemathesis cannot know of a platform: which card there is, and the rules between two fields.

Only what the description allows is changed here: a request that is wrong on purpose must stay so.
"""

import datetime
import itertools
import os
import re

import schemathesis

CARD = os.environ["CARD"]
# Of what a path names, the form and one that there is.
THERE = [
    ("id", "ord_[0-9a-f]{32}", os.environ["PAID_ORDER"]),
    ("id", "ref_[0-9a-f]{32}", os.environ["REFUND"]),
    ("holder", "(hld_)?[0-9A-Fa-f]{16}", os.environ["HOLDER"]),
]
TURNS = itertools.count()


def is_integer(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value)


def matches(pattern, value):
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def mend_order(body):
    """An order of a card that exists, in the currency that its holder has."""
    if matches("(card_)?[0-9A-Fa-f]{8}", body.get("card")):
        body["card"] = CARD
    if matches("[A-Z]{3}", body.get("currency")):
        body["currency"] = "CNY"
    if is_integer(body.get("exponent")) and 0 <= body["exponent"] <= 4:
        body["exponent"] = 2
    # 20 bytes: JSON Schema counts characters.
    text = body.get("text")
    if isinstance(text, str) and len(text) <= 20 and len(text.encode("utf-8", "replace")) > 20:
        body["text"] = text[:5]


def mend_refund(body):
    """A little of an order that was paid, so that something is left for the next."""
    if matches("[A-Z]{3}", body.get("currency")):
        body["currency"] = "CNY"
    amount = body.get("amount")
    if amount is None or (is_integer(amount) and 0 < amount <= 4_294_967_295):
        body["amount"] = 1


def mend_endpoint(body):
    """A URL whose name leads nowhere: nobody outside is called. `*` stands alone, and no kind twice."""
    if isinstance(body.get("url"), str) and re.match("https?://", body["url"]) and len(body["url"]) <= 2048:
        body["url"] = "https://shop.invalid/hooks"
    kinds = body.get("kinds")
    if isinstance(kinds, list) and len(kinds) <= 64 and all(matches(r"[*]|order[.][a-z_]+", kind) for kind in kinds):
        body["kinds"] = ["*"] if "*" in kinds else sorted(set(kinds))


@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.body, dict):
        if case.operation.label == "POST /v1/orders":
            mend_order(case.body)
        elif case.operation.label == "POST /v1/orders/{id}/refunds":
            mend_refund(case.body)
        if case.operation.path.startswith("/v1/webhook_endpoints"):
            mend_endpoint(case.body)
    # Most of what is looked for is there.
    path = case.path_parameters or {}
    for name, pattern, there in THERE:
        if "events" not in case.operation.path and matches(pattern, path.get(name)) and next(TURNS) % 3:
            path[name] = there
    # A day that no month has: JSON Schema's patterns cannot count them.
    before = (case.query or {}).get("before")
    if matches("[0-9]{4}-[0-9]{2}-[0-9]{2}[.][A-Z]{3}", before):
        try:
            datetime.date.fromisoformat(before[:10])
        except ValueError:
            case.query["before"] = f"2026-11-21{before[10:]}"
