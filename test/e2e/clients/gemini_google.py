"""Generated content by google-genai: the Gemini API, and Vertex AI with a key."""

from google import genai
from google.genai import types

import report


# A client of its own accord asks once.
RETRY = types.HttpRetryOptions(attempts=3, initial_delay=0.1, max_delay=0.2, jitter=0.0)
TOOLS = [
    types.Tool(
        function_declarations=[types.FunctionDeclaration(name="count_owls", parameters_json_schema=report.SCHEMA)]
    )
]


def spoken(answer):
    """The text. The SDK's own answer.text warns of every part that is something else."""
    content = answer.candidates[0].content if answer.candidates else None
    return "".join(part.text or "" for part in (content.parts if content else None) or [])


def take(result, answer):
    finish = None
    for candidate in answer.candidates or []:
        finish = candidate.finish_reason or finish
    for call in answer.function_calls or []:
        result.tool(call.name, call.args)
    dump = answer.model_dump(exclude={"sdk_http_response"}, mode="json")  # its headers have the time of day
    result.event(report.dump(dump), spoken(answer), finish and finish.value)


def make_call(task):
    options = types.HttpOptions(retry_options=RETRY) if task.get("retries") else None
    client = genai.Client(api_key=report.KEY, vertexai=task["kind"] == "vertex", http_options=options)

    def call(result):
        models = client.aio.models if task.get("async") else client.models
        asked = {"model": task["scenario"], "contents": report.MESSAGES[0]["content"]}
        if task.get("tools"):
            asked["config"] = types.GenerateContentConfig(tools=TOOLS)
        ask = models.generate_content_stream if task["stream"] else models.generate_content
        report.hand_over(ask(**asked), task["stream"], lambda answer: take(result, answer))

    return call


report.main(make_call)
