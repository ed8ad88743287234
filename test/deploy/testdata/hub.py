"""Plays the hub: loads the configuration, starts a server twice."""

import asyncio
import json
import logging
import os
import sys
import types

c = types.SimpleNamespace(Spawner=types.SimpleNamespace())
space = {"c": c}
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"), space)
space["LLMTAP"] = os.environ["LLMTAP"]
state, space["STATE"] = os.environ["STATE"], os.environ["STATE"]

spawner = types.SimpleNamespace(
    environment={"OWN": "kept"}, log=logging.getLogger(), user=types.SimpleNamespace(name="ann@example.org")
)
logging.disable()
asyncio.run(c.Spawner.pre_spawn_hook(spawner))
ready = spawner.environment
space["STATE"] = state + "-where-no-agent-runs"
asyncio.run(c.Spawner.pre_spawn_hook(spawner))
print(json.dumps({"Ready": ready, "Away": spawner.environment}))
