"""Responses by openai-python."""

import openai

import report

TOOLS = [{"type": "function", **report.FUNCTION}]


def take_event(result, event):
    if event.type == "response.output_item.added":
        result.tool(getattr(event.item, "name", None), None)
    if event.type == "response.function_call_arguments.delta":
        result.tool(None, event.delta)
    text = event.delta if event.type == "response.output_text.delta" else None
    response = getattr(event, "response", None)
    ended = response is not None and event.type not in ("response.created", "response.in_progress")
    result.event(report.dump(event), text, response.status if ended else None)


def take_answer(result, answer):
    if isinstance(answer, str):  # what the SDK makes of an answer that is no JSON
        result.event(answer, answer, None)
        return
    for item in answer.output or []:
        if item.type == "function_call":
            result.tool(item.name, item.arguments)
    result.event(report.dump(answer), answer.output_text, answer.status)


def make_call(task):
    vendor = openai.AsyncOpenAI if task.get("async") else openai.OpenAI
    client = vendor(api_key=report.KEY, max_retries=task.get("retries", 0), timeout=30.0)

    def call(result):
        asked = {"model": task["scenario"], "input": report.MESSAGES[0]["content"]}
        if task.get("tools"):
            asked["tools"] = TOOLS
        if task["stream"]:
            asked["stream"] = True
        take = take_event if task["stream"] else take_answer
        report.hand_over(client.responses.create(**asked), task["stream"], lambda piece: take(result, piece))

    return call


report.main(make_call)
