"""Plays a user of a running JupyterLab with Jupyter AI.

Reads a job from stdin as JSON: url, major (2 or 3), dialect, deployment,
endpoint, api_version, key, model and steps, each {"do": configure|chat|generate|magic,
"text": ...}. Writes one JSON object a line: what each step showed.
"""

import asyncio
import json
import sys

import chat2
import chat3
from lab import Lab


async def main():
    job = json.load(sys.stdin)
    of = {2: chat2, 3: chat3}[job["major"]]
    lab = Lab(job["url"])
    await lab.until(of.READY)
    chat = of.Chat(lab, job)
    steps = {
        "configure": lambda text: chat.configure(), "chat": chat.say, "magic": chat.magic,
        "generate": lambda text: chat.say("/generate " + text),
    }
    for step in job["steps"]:
        shown = await steps[step["do"]](step.get("text", ""))
        print(json.dumps({"do": step["do"], "shown": shown}), flush=True)


asyncio.run(main())
