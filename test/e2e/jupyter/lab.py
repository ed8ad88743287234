"""A Jupyter server as its users see it: REST, WebSockets, kernels."""

import asyncio
import json
import time
import urllib.parse
import uuid

from tornado import httpclient, websocket

TOKEN = "e2e"


class Lab:
    """A running server. Nothing here goes through a proxy."""

    def __init__(self, url):
        self.url = url.rstrip("/")

    async def ask(self, method, path, body=None):
        """The status and the text of one request."""
        request = httpclient.HTTPRequest(
            self.url + path, method=method, allow_nonstandard_methods=True, request_timeout=60,
            headers={"Authorization": "token " + TOKEN, "Content-Type": "application/json"},
            body=None if body is None else json.dumps(body))
        answer = await httpclient.AsyncHTTPClient().fetch(request, raise_error=False)
        return answer.code, (answer.body or b"").decode()

    async def until(self, path, seconds=120):
        """Wait until path is served."""
        deadline, why = time.monotonic() + seconds, ""
        while time.monotonic() < deadline:
            try:
                status, _ = await self.ask("GET", path)
                if status == 200:
                    return
                why = f"status {status}"
            except OSError as e:
                why = str(e)
            await asyncio.sleep(0.2)
        raise TimeoutError(f"{path} is not served after {seconds} s: {why}")

    async def socket(self, path):
        where = self.url.replace("http", "ws", 1) + urllib.parse.quote(path) + "?token=" + TOKEN
        return await websocket.websocket_connect(where, connect_timeout=30)


async def read(socket, deadline):
    """The next message; an error once the deadline has passed."""
    text = await asyncio.wait_for(socket.read_message(), max(0.0, deadline - time.monotonic()))
    if text is None:
        raise ConnectionError("the server closed the WebSocket")
    return json.loads(text)


class Kernel:
    """A kernel of the server, as a notebook has it."""

    def __init__(self, lab):
        self.lab = lab
        self.session = uuid.uuid4().hex
        self.socket = None
        self.id = ""

    async def start(self):
        status, text = await self.lab.ask("POST", "/api/kernels", {"name": "python3"})
        if status != 201:
            raise RuntimeError(f"no kernel: {status} {text[:300]}")
        self.id = json.loads(text)["id"]
        self.socket = await self.lab.socket(f"/api/kernels/{self.id}/channels")

    async def stop(self):
        self.socket.close()
        await self.lab.ask("DELETE", f"/api/kernels/{self.id}")

    async def run(self, code, seconds=120):
        """What a cell shows."""
        ident = uuid.uuid4().hex
        await self.socket.write_message(json.dumps({
            "channel": "shell", "parent_header": {}, "metadata": {}, "buffers": [],
            "header": {"msg_id": ident, "session": self.session, "username": "e2e", "msg_type": "execute_request", "version": "5.3", "date": ""},
            "content": {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}}))
        shown, replied, idle, deadline = [], False, False, time.monotonic() + seconds
        while not (replied and idle):
            message = await read(self.socket, deadline)
            if message["parent_header"].get("msg_id") != ident:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                shown.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                shown.append(content["data"].get("text/markdown") or content["data"].get("text/plain", ""))
            elif kind == "error":
                shown.append(f"{content['ename']}: {content['evalue']}")
            replied = replied or kind == "execute_reply"
            idle = idle or kind == "status" and content["execution_state"] == "idle"
        return "\n".join(shown)
