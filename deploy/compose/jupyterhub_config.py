"""A hub to try llmtap with: any name, password llmtap, servers as processes."""

import os
import shutil

c.JupyterHub.bind_url = "http://0.0.0.0:8000"  # noqa: F821, the hub gives it
c.JupyterHub.authenticator_class = "dummy"  # noqa: F821
c.DummyAuthenticator.password = "llmtap"  # noqa: F821, S105: reachable from this host only
c.Authenticator.allow_all = True  # noqa: F821
c.JupyterHub.spawner_class = "simple"  # noqa: F821
c.Spawner.args = ["--allow-root"]  # noqa: F821

# The agent's directory is its own; certificate and bundle are for everybody.
os.makedirs("/run/llmtap", exist_ok=True)
for name in ("ca.crt", "bundle.crt"):
    shutil.copyfile(f"/var/lib/llmtap/ca/{name}", f"/run/llmtap/{name}")

load_subconfig("/srv/jupyterhub/llmtap.py")  # noqa: F821
