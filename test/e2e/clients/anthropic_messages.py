"""Messages by anthropic: its default (a bearer token), or the key in x-api-key."""

import anthropic

import report


def client_for(task):
    vendor = anthropic.AsyncAnthropic if task.get("async") else anthropic.Anthropic
    common = {"max_retries": task.get("retries", 0), "timeout": 30.0}
    if task["kind"] == "x-api-key":
        return vendor(default_headers={"X-Api-Key": report.KEY}, **common)
    return vendor(api_key=report.KEY, **common)


def take_message(result, message):
    if isinstance(message, str):  # what the SDK makes of an answer that is no JSON
        result.event(message, message, None)
        return
    text = "".join(b.text or "" for b in message.content or [] if b.type == "text")
    for block in message.content or []:
        if block.type == "tool_use":
            result.tool(block.name, block.input)
    result.event(report.dump(message), text, message.stop_reason)


def take_event(result, event):
    delta = getattr(event, "delta", None)
    block = getattr(event, "content_block", None)
    result.tool(getattr(block, "name", None), getattr(delta, "partial_json", None))
    result.event(report.dump(event), getattr(delta, "text", None), getattr(delta, "stop_reason", None))


def make_call(task):
    client = client_for(task)

    def call(result):
        asked = {"model": task["scenario"], "max_tokens": 64, "messages": report.MESSAGES}
        if task.get("tools"):
            asked["tools"] = [{"name": "count_owls", "input_schema": report.SCHEMA}]
        if task["stream"]:
            asked["stream"] = True
        take = take_event if task["stream"] else take_message
        report.hand_over(client.messages.create(**asked), task["stream"], lambda piece: take(result, piece))

    return call


report.main(make_call)
