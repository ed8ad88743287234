"""Jupyter AI 2: the settings panel, the chat's WebSocket, the magics."""

import json
import time

from lab import Kernel, read

READY = "/api/ai/config"
BEGUN = "👍"  # how /generate says that it has begun


class Chat:
    def __init__(self, lab, job):
        self.lab, self.job = lab, job
        self.old = job["dialect"] == "openai"  # up to 2.12: LangChain's own Azure client
        self.model = "azure-chat-openai:" + job["deployment"]

    async def configure(self):
        """What the settings panel sends when it is saved."""
        names = ("openai_api_base", "openai_api_version") if self.old else ("azure_endpoint", "api_version")
        status, text = await self.lab.ask("POST", "/api/ai/config", {
            "model_provider_id": self.model, "fields": {self.model: dict(zip(names, (self.job["endpoint"], self.job["api_version"])))},
            "api_keys": {"OPENAI_API_KEY" if self.old else "AZURE_OPENAI_API_KEY": self.job["key"]}})
        return f"{status} {text[:500]}".strip()

    async def say(self, text, seconds=90):
        """What the chat shows in answer to a message."""
        socket = await self.lab.socket("/api/ai/chats")
        deadline = time.monotonic() + seconds
        while (await read(socket, deadline))["type"] != "connection":
            pass
        prompt = {"prompt": text}
        if not self.old:
            prompt["selection"] = None
        await socket.write_message(json.dumps(prompt))
        mine, streams = None, {}
        while True:
            m = await read(socket, deadline)
            if m["type"] == "human" and m["body"] == text:
                mine = m["id"]
            elif m["type"] == "agent" and m.get("reply_to") == mine and not m["body"].startswith(BEGUN):
                break
            elif m["type"] == "agent-stream" and m.get("reply_to") == mine:
                streams[m["id"]] = m["body"]
            elif m["type"] == "agent-stream-chunk" and m["id"] in streams:
                streams[m["id"]] += m["content"]
                if m["stream_complete"]:
                    m = {"body": streams[m["id"]]}
                    break
        socket.close()
        return m["body"]

    async def magic(self, text):
        """What a cell with %%ai shows. The variables are those of the notebook
        alone: in the server's environment they would reach the chat too."""
        kernel = Kernel(self.lab)
        await kernel.start()
        endpoint, key = self.job["endpoint"], self.job["key"]
        names = {"OPENAI_API_BASE": endpoint, "OPENAI_API_KEY": key} if self.old else {"AZURE_OPENAI_ENDPOINT": endpoint, "AZURE_OPENAI_API_KEY": key}
        names["OPENAI_API_VERSION"] = self.job["api_version"]
        await kernel.run(f"import os; os.environ.update({names!r})")
        shown = await kernel.run("%load_ext jupyter_ai_magics")
        shown += await kernel.run(f"%%ai {self.model}\n{text}")
        await kernel.stop()
        return shown
