"""
Two ICE connections of aioice exchange datagrams through relay candidates alone.

`aioice-call.py WISHES`, where the wishes are JSON {transport, host, port, username, credential, datagrams, withinMs}.
Prints {toFar, toNear, candidates} as JSON: how many datagrams came each way as they were sent. The environment's
SSL_CERT_FILE says whom to trust.
"""

import asyncio
import json
import os
import sys

from aioice import Connection
from aioice.ice import TransportPolicy

DATAGRAM_OCTETS = 1000


def connection(wishes, controlling):
    return Connection(
        ice_controlling=controlling,
        turn_server=(wishes["host"], wishes["port"]),
        turn_username=wishes["username"],
        turn_password=wishes["credential"],
        turn_ssl=wishes["transport"] == "tls",
        turn_transport="udp" if wishes["transport"] == "udp" else "tcp",
        use_ipv6=False,
        transport_policy=TransportPolicy.RELAY,
    )


async def introduce(one, other):
    """What signalling would do: hands the candidates and the name of one to the other."""
    for candidate in one.local_candidates:
        await other.add_remote_candidate(candidate)
    await other.add_remote_candidate(None)
    other.remote_username = one.local_username
    other.remote_password = one.local_password


async def transfer(sender, receiver, datagrams):
    """Keeps step: the next leaves when the last has come, so that nothing is lost for want of room."""
    intact = 0
    for _ in range(datagrams):
        sent = os.urandom(DATAGRAM_OCTETS)
        await sender.send(sent)
        intact += await receiver.recv() == sent
    return intact


async def call(wishes):
    near, far = connection(wishes, True), connection(wishes, False)
    await asyncio.gather(near.gather_candidates(), far.gather_candidates())
    await introduce(near, far)
    await introduce(far, near)
    await asyncio.gather(near.connect(), far.connect())
    to_far = await transfer(near, far, wishes["datagrams"])
    to_near = await transfer(far, near, wishes["datagrams"])
    candidates = [candidate.to_sdp() for candidate in near.local_candidates + far.local_candidates]
    await asyncio.gather(near.close(), far.close())
    return {"toFar": to_far, "toNear": to_near, "candidates": candidates}


async def main():
    wishes = json.loads(sys.argv[1])
    report = await asyncio.wait_for(call(wishes), wishes["withinMs"] / 1000)
    print(json.dumps(report))


asyncio.run(main())
