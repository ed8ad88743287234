"""Runs something inside a user's server, as his browser would: over a WebSocket.

    inside.py kernel URL TOKEN     < Python code of one cell; prints what it prints
    inside.py terminal URL TOKEN   < a shell command; prints its output

URL is the server's, with a slash at the end; TOKEN may use it.
"""

import asyncio
import json
import sys
import uuid

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

LIMIT = 60  # seconds without a message


class Server:
    def __init__(self, url, token):
        self.url, self.headers = url, {"Authorization": "token " + token}

    async def ask(self, method, path, body=None):
        request = HTTPRequest(
            self.url + path, method=method, headers=self.headers, request_timeout=LIMIT,
            body=None if body is None else json.dumps(body),
        )
        got = await AsyncHTTPClient().fetch(request)
        return json.loads(got.body or "null")

    async def connect(self, path):
        url = "ws" + self.url.removeprefix("http") + path
        return await websocket_connect(HTTPRequest(url, headers=self.headers))

    async def next(self, socket):
        text = await asyncio.wait_for(socket.read_message(), LIMIT)
        if text is None:
            raise SystemExit("the server closed the WebSocket")
        return json.loads(text)

    async def kernel(self, code):
        kernel = await self.ask("POST", "api/kernels", {"name": "python3"})
        socket = await self.connect(f"api/kernels/{kernel['id']}/channels")
        mine = uuid.uuid4().hex
        header = {"msg_id": mine, "msg_type": "execute_request", "username": "", "session": mine, "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
        await socket.write_message(json.dumps({
            "header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell", "buffers": [],
        }))
        failed = False
        while True:
            m = await self.next(socket)
            if m["parent_header"].get("msg_id") != mine:
                continue
            if m["msg_type"] == "stream":
                print(m["content"]["text"], end="", flush=True)
            elif m["msg_type"] == "error":
                print("\n".join(m["content"]["traceback"]), file=sys.stderr)
                failed = True
            elif m["msg_type"] == "status" and m["content"]["execution_state"] == "idle":
                break
        await self.ask("DELETE", "api/kernels/" + kernel["id"])
        return failed

    async def terminal(self, command):
        """A terminal shows wrapped lines: the output comes by way of a file."""
        name = (await self.ask("POST", "api/terminals", {}))["name"]
        socket = await self.connect("terminals/websocket/" + name)
        out, shown = "terminal-" + uuid.uuid4().hex[:8] + ".txt", ""
        line = f"( {command.strip()} ) >~/{out} 2>&1 </dev/null; echo over-$((6*7))\r"
        await socket.write_message(json.dumps(["stdin", line]))
        while "over-42" not in shown:
            m = await self.next(socket)
            if m[0] == "stdout":
                shown += m[1]
        print((await self.ask("GET", "api/contents/" + out))["content"], end="")
        await self.ask("DELETE", "api/terminals/" + name)
        return False


def main(what, url, token):
    server = Server(url, token)
    run = server.kernel if what == "kernel" else server.terminal
    sys.exit(asyncio.run(run(sys.stdin.read())))


main(*sys.argv[1:])
