"""What schemathesis can't know of the API: its formats, and what would end the run itself."""

import ipaddress
import itertools
import os

import schemathesis
from hypothesis import strategies as st

# The token of the run, which it must not change: tokens are dnsbl_ID_SECRET.
OWN_ID = os.environ["DNSBL_TOKEN"].split("_")[1]
NO_ID = "0" * 16
ZONES = ["bl.example.org", "domains.example.org", "popauth.example.org"]

ipv4 = st.integers(1 << 24, (224 << 24) - 1).map(ipaddress.IPv4Address)
ipv6 = st.integers(0x2A00 << 112, (0x2A10 << 112) - 1).map(ipaddress.IPv6Address)
address = st.one_of(ipv4, ipv6).map(str)


def prefix(inside, length):
    return str(ipaddress.ip_network(f"{inside}/{length}", strict=False))


prefixes = st.one_of(
    st.builds(prefix, ipv4, st.integers(8, 32)), st.builds(prefix, ipv6, st.integers(19, 128))
)
label = st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?\Z")
domain = st.lists(label, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "example", "org"]))
code = st.integers(2, 0xFEFFFF).map(lambda number: str(ipaddress.IPv4Address((127 << 24) + number)))

schemathesis.openapi.format("ip-address", address)
schemathesis.openapi.format("ip-prefix", st.one_of(address, prefixes))
schemathesis.openapi.format("domain-name", st.one_of(st.sampled_from(ZONES), domain))
schemathesis.openapi.format("subject", st.one_of(address, prefixes, domain))
schemathesis.openapi.format("return-code", code)


def text(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


for media_type in ["application/x-ndjson", "message/rfc822", "multipart/report"]:
    schemathesis.serializer(media_type)(text)


networks = itertools.cycle(range(1 << 16))


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or case.meta.generation.mode.value == "positive":
        make_sense(case)
    # A key that came before is refused before anything else of a request is looked at, its method too.
    if case.headers and case.method.lower() != case.operation.method.lower():
        case.headers.pop("Idempotency-Key", None)
    if case.path_parameters and case.path_parameters.get("id") == OWN_ID:
        case.path_parameters["id"] = NO_ID
    # Each request comes from a network of its own, or the limit of failed tries would answer in place of the handlers.
    client = ipaddress.IPv4Address((10 << 24) + (next(networks) << 8) + 1)
    case.headers = {} if case.headers is None else case.headers
    case.headers["X-Forwarded-For"] = str(client)


def make_sense(case):
    """Takes out what is right by its schema, and can't be made up."""
    if case.query:
        # Cursors and numbers of changes are what an answer gave.
        case.query.pop("cursor", None)
        if "after" in case.query:
            case.query["after"] = 0
    if case.headers and "If-Match" in case.headers:
        # Both together ask for what is there and not there.
        case.headers.pop("If-None-Match", None)
    case.body = whole(case.body)
    if isinstance(case.body, dict):
        if case.media_type == "application/x-www-form-urlencoded":
            # A form has no null.
            case.body = {name: value for name, value in case.body.items() if value is not None}
        if "/v1/webhooks" in case.operation.label:
            # Nobody's server is told of anything. Changes have numbers that an answer gave, and base64 has rules of its own.
            if "url" in case.body:
                case.body["url"] = "https://127.0.0.1/hook"
            case.body.pop("after", None)
            case.body.pop("secret", None)
        if case.operation.label == "PUT /v1/zones/{zone}/listings/{subject}":
            # What a listing read back says of its place is that of the path.
            case.body.pop("subject", None)
            case.body.pop("source", None)


def whole(value):
    """JSON Schema takes 3.0 for an integer; the API takes integers that are written as such."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return value
