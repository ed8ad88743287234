"""Chat by cohere, version 2 of its API and version 1."""

import cohere

import report

# The function in the words of version 1.
TOOLS_V1 = [
    {
        "name": "count_owls",
        "description": "Counts the owls of a field.",
        "parameter_definitions": {
            "field": {"type": "str", "required": True},
            "night": {"type": "int", "required": True},
        },
    }
]


def take_event(result, event):
    delta = getattr(event, "delta", None)
    message = getattr(delta, "message", None)
    call = getattr(getattr(message, "tool_calls", None), "function", None)
    result.tool(getattr(call, "name", None), getattr(call, "arguments", None))
    content = getattr(message, "content", None)
    result.event(report.dump(event), getattr(content, "text", None), getattr(delta, "finish_reason", None))


def take_answer(result, answer):
    for call in answer.message.tool_calls or []:
        result.tool(call.function.name, call.function.arguments)
    text = "".join(block.text for block in answer.message.content or [])
    result.event(report.dump(answer), text, answer.finish_reason)


def take_line(result, event):
    call = getattr(event, "tool_call_delta", None)
    result.tool(getattr(call, "name", None), getattr(call, "parameters", None))
    text = event.text if event.event_type == "text-generation" else None
    result.event(report.dump(event), text, getattr(event, "finish_reason", None))


def take_answer_v1(result, answer):
    for call in answer.tool_calls or []:
        result.tool(call.name, call.parameters)
    result.event(report.dump(answer), answer.text, answer.finish_reason)


def make_call(task):
    first = task["kind"] == "v1"
    name = ("Async" if task.get("async") else "") + ("Client" if first else "ClientV2")
    client = getattr(cohere, name)(api_key=report.KEY, timeout=30)
    takes = (take_answer_v1, take_line) if first else (take_answer, take_event)

    def call(result):
        asked = {"model": task["scenario"], "request_options": {"max_retries": task.get("retries", 0)}}
        if first:
            asked["message"] = report.MESSAGES[0]["content"]
        else:
            asked["messages"] = report.MESSAGES
        if task.get("tools"):
            asked["tools"] = TOOLS_V1 if first else report.TOOLS
        ask = client.chat_stream if task["stream"] else client.chat
        report.hand_over(ask(**asked), task["stream"], lambda piece: takes[task["stream"]](result, piece))

    return call


report.main(make_call)
