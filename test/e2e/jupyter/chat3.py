"""Jupyter AI 3: Jupyternaut in a chat file without RTC, the magics of LiteLLM."""

import json
import time
import uuid

from lab import Kernel, read

READY = "/api/jupyternaut/config"
PERSONA = "jupyter-ai-personas::jupyter_ai_jupyternaut::JupyternautPersona"


class Chat:
    def __init__(self, lab, job):
        self.lab, self.job = lab, job

    async def configure(self):
        """The model is in the server's configuration."""
        return "200"

    async def say(self, text, seconds=120):
        """What the chat shows in answer to a message, once Jupyternaut stopped
        writing."""
        socket = await self.lab.socket(f"/api/chat/ws/{uuid.uuid4().hex}.chat")
        deadline, mine, shown = time.monotonic() + seconds, str(uuid.uuid4()), {}
        while (await read(socket, deadline))["action"] != "connection":
            pass
        model = {} if not self.job["model"] else {"model": {"id": self.job["model"]}}
        await socket.write_message(json.dumps({
            "type": "client", "action": "send", "id": mine, "body": text, "metadata": dict({"to_persona": PERSONA}, **model)}))
        wrote = False
        while not (wrote and shown):
            m = await read(socket, deadline)
            if m["action"] == "message":
                message = m.get("message") or m
                if message["id"] != mine and message.get("body"):
                    shown[message["id"]] = message["body"]
            elif m["action"] == "writing":
                wrote = not m.get("state", m.get("is_writing"))
        socket.close()
        return "\n".join(shown.values())

    async def magic(self, text):
        """What a cell with %%ai shows."""
        kernel = Kernel(self.lab)
        await kernel.start()
        shown = await kernel.run("%load_ext jupyter_ai_magic_commands")
        shown += await kernel.run(f"%ai alias a azure/{self.job['deployment']}")
        shown += await kernel.run(f"%%ai a\n{text}")
        await kernel.stop()
        return shown
