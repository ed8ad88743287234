"""Messages by anthropic: its default (a bearer token), or the key in x-api-key."""

import anthropic

import report


def client_for(task):
    common = {"max_retries": task.get("retries", 0), "timeout": 30.0}
    if task["kind"] == "x-api-key":
        return anthropic.Anthropic(default_headers={"X-Api-Key": report.KEY}, **common)
    return anthropic.Anthropic(api_key=report.KEY, **common)


def take_message(result, message):
    if isinstance(message, str):  # what the SDK makes of an answer that is no JSON
        result.event(message, message, None)
        return
    text = "".join(b.text or "" for b in message.content or [] if b.type == "text")
    result.event(report.dump(message), text, message.stop_reason)


def take_event(result, event):
    delta = getattr(event, "delta", None)
    result.event(report.dump(event), getattr(delta, "text", None), getattr(delta, "stop_reason", None))


def make_call(task):
    client = client_for(task)

    def call(result):
        asked = {"model": task["scenario"], "max_tokens": 64, "messages": report.MESSAGES}
        if task["stream"]:
            for event in client.messages.create(stream=True, **asked):
                take_event(result, event)
        else:
            take_message(result, client.messages.create(**asked))

    return call


report.main(make_call)
