"""Runs the hook of a configuration for many servers at once, as the hub does for
as many clicks: spawns.py CONFIG N. Prints {"seconds", "slowest", "proxies"}."""

import asyncio
import json
import logging
import sys
import time
import types

from traitlets.config import Config


class Server:
    """What the hook sees of a spawner."""

    def __init__(self, i):
        self.environment = {"KEPT": "by the admin"}
        self.log = logging.getLogger()
        self.user = types.SimpleNamespace(name=f"user-{i}")
        self.hub = types.SimpleNamespace(api_url="http://127.0.0.1:8081/hub/api")

    async def progress(self):
        yield {"progress": 50}


async def main(path, n):
    c = Config()
    with open(path) as f:
        exec(compile(f.read(), path, "exec"), {"c": c})

    async def spawn(one):
        began = time.perf_counter()
        await c.Spawner.pre_spawn_hook(one)
        return time.perf_counter() - began

    servers = [Server(i) for i in range(n)]
    began = time.perf_counter()
    took = await asyncio.gather(*map(spawn, servers))
    print(json.dumps({
        "seconds": time.perf_counter() - began,
        "slowest": max(took),
        "proxies": [s.environment.get("HTTPS_PROXY", "") for s in servers],
    }))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
