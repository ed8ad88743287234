"""Plays the hub: loads the configuration, starts servers."""

import asyncio
import json
import logging
import os
import sys
import types


class HTTPError(Exception):
    """Stands for tornado's: the hub shows users the text of no other error."""


class Section(dict):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class Spawner:
    def __init__(self, name):
        self.environment = {"OWN": "kept", "NO_PROXY": "corp.example"}
        self.log = logging.getLogger()
        self.user = types.SimpleNamespace(name=name)
        self.hub = types.SimpleNamespace(api_url="http://10.0.0.5:8081/hub/api")

    async def progress(self):
        yield {"progress": 50, "message": "Spawning server..."}


async def said(spawner):
    return [event["message"] async for event in spawner.progress()]


async def main():
    c = types.SimpleNamespace(Spawner=Section())
    hooked = []
    c.Spawner.pre_spawn_hook = lambda s: hooked.append(s.user.name)
    space = {"c": c}
    exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"), space)
    for name in ("PROXY", "READY", "STATE", "PUBLIC"):
        space[name] = os.environ.get(name, space[name])
    agent, ann = space["AGENT"], Spawner("ann@example.org")
    out = {"Text": []}
    for name, ready, choice in (
        ("Ready", True, "start"), ("Away", False, "start"), ("Refused", False, "refuse"), ("Again", True, "refuse"),
    ):
        agent.until, space["WITHOUT_LLMTAP"] = 0.0, choice
        url = space["READY"]
        if not ready:
            space["READY"] = "http://127.0.0.1:1/readyz"
        try:
            await c.Spawner.pre_spawn_hook(ann)
            out["Text"] += (await said(ann))[:1]
        except HTTPError as e:
            out["Text"].append(e.jupyterhub_message)
        space["READY"] = url
        out[name] = ann.environment
    crowd = [Spawner(f"user{i}") for i in range(500)]
    agent.until = 0.0
    await asyncio.gather(*(c.Spawner.pre_spawn_hook(s) for s in crowd))
    out["Tokens"] = len({s.environment["HTTPS_PROXY"] for s in crowd})
    out["Hooked"] = len(hooked)
    print(json.dumps(out))


sys.modules["tornado"] = types.ModuleType("tornado")
sys.modules["tornado.web"] = types.SimpleNamespace(HTTPError=HTTPError)
logging.disable()
asyncio.run(main())
