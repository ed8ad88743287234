"""Sends the LLM calls of every spawned server through the llmtap of this host.

The Littlest JupyterHub: copy to /opt/tljh/config/jupyterhub_config.d/llmtap.py.
Elsewhere: copy beside jupyterhub_config.py and add to it
    load_subconfig("llmtap.py")
A running server keeps the environment that it was started with.
"""

import asyncio
import json
import subprocess

STATE = "/var/lib/llmtap"  # the agent's own; the hub, as root, may read it
PUBLIC = "/run/llmtap"  # certificate and bundle, for everybody
LLMTAP = "llmtap"


def _environment(user):
    """The client's environment with the user's token, or None: not ready."""
    for ask in (["check", "--ready"], ["env", "--user", user, "--format", "json"]):
        try:
            got = subprocess.run(
                [LLMTAP, *ask, "--state-dir", STATE], capture_output=True, text=True, timeout=5
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if got.returncode != 0:
            return None
    return {
        name: value.replace(STATE + "/ca/", PUBLIC + "/")
        for name, value in json.loads(got.stdout).items()
    }


async def through_llmtap(spawner):
    """Runs before each start of a server. Without a ready agent the server
    starts as it would without llmtap: its calls work and are not seen."""
    plain = spawner.__dict__.setdefault("_before_llmtap", dict(spawner.environment))
    seen = await asyncio.to_thread(_environment, spawner.user.name)
    if seen is None:
        spawner.log.warning("llmtap is not ready: the calls of %s are not seen", spawner.user.name)
        seen = {}
    spawner.environment = {**plain, **seen}


c.Spawner.pre_spawn_hook = through_llmtap  # noqa: F821, the hub gives it
