"""aiocoap, as the tests of crates/coap need it. Writes what it hears, a line an answer.

    peer.py ask METHOD URL [PAYLOAD]   one request
    peer.py hasty METHOD URL           the same by one who repeats after 0.2 s or a little more
    peer.py large URL BYTES            a POST of so many bytes, which aiocoap splits into blocks
    peer.py observe URL COUNT          observes until so many notifications came, then stops listening
"""

import asyncio
import sys

import aiocoap
from aiocoap.numbers import TransportTuning
from aiocoap.numbers.codes import GET, POST


class Hasty(TransportTuning):
    ACK_TIMEOUT = 0.2


def show(response):
    print(response.code.dotted, response.payload.decode(), flush=True)


async def ask(context, method, url, payload="", tuning=None):
    code = getattr(aiocoap, method)
    message = aiocoap.Message(code=code, uri=url, payload=payload.encode(), transport_tuning=tuning)
    show(await context.request(message).response)


async def hasty(context, method, url):
    await ask(context, method, url, tuning=Hasty())


async def large(context, url, size):
    message = aiocoap.Message(code=POST, uri=url, payload=b"y" * int(size))
    show(await context.request(message).response)


async def observe(context, url, count):
    request = context.request(aiocoap.Message(code=GET, uri=url, observe=0))
    show(await request.response)
    left = int(count)
    async for response in request.observation:
        show(response)
        left -= 1
        if left == 0:
            break
    request.observation.cancel()
    # Whoever still notifies is told so, as long as this program runs. Killed by the test.
    await asyncio.sleep(60)


async def main(mode, *arguments):
    context = await aiocoap.Context.create_client_context()
    modes = {"ask": ask, "hasty": hasty, "large": large, "observe": observe}
    await modes[mode](context, *arguments)
    await context.shutdown()


asyncio.run(main(*sys.argv[1:]))
