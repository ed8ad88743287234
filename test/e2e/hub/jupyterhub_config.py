"""A hub on loopback for the tests. Whoever logs in gets a real server with a HOME
of his own and, if the hub runs as root, a user id of his own.

HUB_TEST names a JSON file with the addresses, paths and users of one test.
"""

import json
import os

from jupyterhub.spawner import SimpleLocalProcessSpawner

with open(os.environ["HUB_TEST"]) as f:
    here = json.load(f)

c = get_config()  # noqa: F821, the hub gives it


class OwnUser(SimpleLocalProcessSpawner):
    """A server as another user of the system, without an entry in /etc/passwd."""

    def make_preexec_fn(self, name):
        home, uid = self.home_dir, here["uids"].get(name)

        def become():
            os.makedirs(home, mode=0o700, exist_ok=True)
            if uid:
                os.chown(home, uid, uid)
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            os.chdir(home)

        return become


c.JupyterHub.bind_url = here["bind_url"]
c.JupyterHub.hub_bind_url = here["hub_bind_url"]
c.JupyterHub.db_url = "sqlite:///" + here["dir"] + "/hub.sqlite"
c.JupyterHub.cookie_secret_file = here["dir"] + "/cookie_secret"
c.JupyterHub.cleanup_servers = False  # as beside systemd: a restart of the hub stops nobody
c.JupyterHub.concurrent_spawn_limit = 0
c.ConfigurableHTTPProxy.api_url = here["proxy_api"]
c.ConfigurableHTTPProxy.command = here["proxy"]
c.ConfigurableHTTPProxy.pid_file = here["dir"] + "/proxy.pid"

c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = set(here["admins"])

c.JupyterHub.spawner_class = OwnUser
c.OwnUser.home_dir_template = here["dir"] + "/home/{username}"
c.Spawner.cmd = [here["bin"] + "/jupyterhub-singleuser"]
c.Spawner.args = ["--allow-root"]
c.Spawner.environment = {"JUPYTER_PLATFORM_DIRS": "1", "KEPT": "by the admin"}
c.Spawner.http_timeout = 90
c.Spawner.start_timeout = 90

c.JupyterHub.services = [{"name": "tester", "api_token": here["token"]}]
c.JupyterHub.load_roles = [
    {"name": "tester", "services": ["tester"], "scopes": ["admin:users", "admin:servers", "tokens", "access:servers"]},
]

if here["snippet"]:
    load_subconfig(here["snippet"])  # noqa: F821
