"""Sends the LLM calls of every spawned server through llmtap.

The Littlest JupyterHub: copy to /opt/tljh/config/jupyterhub_config.d/llmtap.py.
Elsewhere: copy beside jupyterhub_config.py and add to it
    load_subconfig("llmtap.py")
`llmtap env --format jupyterhub` prints it with the addresses and paths of the
agent that runs. A running server keeps the environment it was started with.
"""

import asyncio
import hashlib
import hmac
import inspect
import os
import time
import urllib.request
from urllib.parse import quote, urlsplit

from tornado.web import HTTPError

# What a server does while llmtap is not ready: "start" without it (its calls
# work and are not seen), or "refuse" to start.
WITHOUT_LLMTAP = "start"

PROXY = "127.0.0.1:4141"  # the agent's proxy, as servers reach it
READY = "http://127.0.0.1:4142/readyz"  # says whether it is ready
STATE = "/var/lib/llmtap"  # the agent's own: the hub reads key and certificates
PUBLIC = "/run/llmtap"  # where every user can read copies of the certificates
DIRECT = "localhost,127.0.0.1,::1,hub,proxy-api,proxy-public,.svc,.cluster.local,169.254.169.254"


def _not_ready(text):
    """The error whose text the hub shows to the user: of other kinds it shows
    only that there was one."""
    error = HTTPError(503, "%s", text)
    error.jupyterhub_message = text
    return error


class Agent:
    """Asks the agent at most every two seconds, however many servers start."""

    def __init__(self):
        self.lock = None
        self.until = 0.0
        self.trouble = None
        self.key = b""

    async def check(self):
        """Returns None when the agent is ready, else why not."""
        self.lock = self.lock or asyncio.Lock()
        async with self.lock:
            if time.monotonic() >= self.until:
                self.trouble = await asyncio.to_thread(self._ask)
                self.until = time.monotonic() + 2
            return self.trouble

    def _ask(self):
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            opener.open(READY, timeout=3).close()
            with open(os.path.join(STATE, "secret"), "rb") as f:
                self.key = f.read()
            for name in ("ca.crt", "bundle.crt"):
                _publish(name)
        except Exception as e:  # whatever it is, servers start or are told
            return f"{READY}, {STATE}: {type(e).__name__}: {e}"
        return None

    def token(self, user):
        """Proves the user to the proxy; nobody can make another's."""
        text = b"llmtap proxy token\0" + user.encode()
        return hmac.new(self.key, text, hashlib.sha256).hexdigest()[:32]


def _publish(name):
    """Copies a certificate to where users can read it, if it is not there."""
    with open(os.path.join(STATE, "ca", name), "rb") as f:
        want = f.read()
    path = os.path.join(PUBLIC, name)
    try:
        with open(path, "rb") as f:
            if f.read() == want:
                return
    except FileNotFoundError:
        os.makedirs(PUBLIC, mode=0o755, exist_ok=True)
    with open(path + ".new", "wb") as f:
        f.write(want)
    os.chmod(path + ".new", 0o644)
    os.replace(path + ".new", path)


def _variables(user, hub, own):
    """What a server's programs need to go through the agent and trust it."""
    proxy = f"http://{quote(user, safe='')}:{AGENT.token(user)}@{PROXY}"
    hosts = [*own.split(","), *DIRECT.split(","), hub]
    direct = ",".join(dict.fromkeys(h.strip() for h in hosts if h and h.strip()))
    bundle = os.path.join(PUBLIC, "bundle.crt")
    return {
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "SSL_CERT_FILE": bundle,
        "REQUESTS_CA_BUNDLE": bundle,
        "CURL_CA_BUNDLE": bundle,
        "AWS_CA_BUNDLE": bundle,
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": bundle,
        "NODE_EXTRA_CA_CERTS": os.path.join(PUBLIC, "ca.crt"),
        "NODE_USE_ENV_PROXY": "1",
    }


def _without(environment, given):
    """The environment as it was before the last start's variables."""
    values, hidden = given
    kept = {k: v for k, v in environment.items() if values.get(k) != v}
    return {**{k: v for k, v in hidden.items() if k not in kept}, **kept}


def _tell(spawner, text):
    """Puts a line on the page that a user sees while the server starts."""
    progress = type(spawner).progress

    async def told():
        yield {"progress": 5, "message": text}
        async for event in progress(spawner):
            yield event

    spawner.progress = told


async def through_llmtap(spawner):
    """Runs before each start of a server."""
    if BEFORE is not None:
        waits = BEFORE(spawner)
        if inspect.isawaitable(waits):
            await waits
    trouble = await AGENT.check()
    own = _without(spawner.environment, getattr(spawner, "_llmtap", ({}, {})))
    given = {}
    if trouble is None:
        hub = urlsplit(getattr(spawner.hub, "api_url", "")).hostname
        no_proxy = own.get("NO_PROXY", own.get("no_proxy", ""))
        given = _variables(spawner.user.name, hub, no_proxy if isinstance(no_proxy, str) else "")
        _tell(spawner, "The calls of this server to language models go through llmtap.")
    spawner._llmtap = given, {k: own[k] for k in given if k in own}
    spawner.environment = {**own, **given}
    if trouble is None:
        return
    name = spawner.user.name
    if WITHOUT_LLMTAP == "refuse":
        spawner.log.error("llmtap is not ready (%s): the server of %s is not started", trouble, name)
        raise _not_ready(
            "The server was not started: llmtap, which calls to language models go through here, is not ready. "
            "Try again soon, or tell the admin."
        )
    spawner.log.warning("llmtap is not ready (%s): the server of %s starts without it", trouble, name)
    _tell(spawner, "llmtap is not ready: the calls of this server to language models are not seen.")


AGENT = Agent()
BEFORE = c.Spawner.pre_spawn_hook if "pre_spawn_hook" in c.Spawner else None  # noqa: F821, the hub gives c
c.Spawner.pre_spawn_hook = through_llmtap  # noqa: F821
