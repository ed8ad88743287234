"""Chat by langchain-openai: invoke() and stream() of ChatOpenAI and AzureChatOpenAI."""

import json

from langchain_core.messages import AIMessageChunk
from langchain_openai import AzureChatOpenAI, ChatOpenAI

import report


def model_for(task):
    # No timeout: a program of two lines sets none, and that it is not sent is how
    # the agent tells the framework from the SDK.
    common = {
        "api_key": report.KEY,
        "max_retries": task.get("retries", 0),
        "default_query": task.get("query") or {},
    }
    if task.get("extra"):
        common["extra_body"] = task["extra"]
    if task["kind"] == "azure":
        return AzureChatOpenAI(
            azure_endpoint=report.HOSTS["azure"],
            azure_deployment=task["scenario"],
            api_version=report.API_VERSION,
            **common,
        )
    return ChatOpenAI(model=task["scenario"], base_url=report.HOSTS[task["kind"]], **common)


def take(result, message):
    dump = message.model_dump()
    dump.pop("id", None)  # random where the service gave none
    text = message.content if isinstance(message.content, str) else json.dumps(message.content)
    for tool in message.tool_call_chunks if isinstance(message, AIMessageChunk) else message.tool_calls:
        result.tool(tool["name"], tool["args"])
    result.event(
        json.dumps(dump, sort_keys=True, default=str),
        text,
        message.response_metadata.get("finish_reason"),
    )


def make_call(task):
    model = model_for(task)
    if task.get("tools"):
        model = model.bind_tools(report.TOOLS)

    def call(result):
        question = [("user", report.MESSAGES[0]["content"])]
        if task.get("async"):
            ask = model.astream if task["stream"] else model.ainvoke
        else:
            ask = model.stream if task["stream"] else model.invoke
        report.hand_over(ask(question), task["stream"], lambda piece: take(result, piece))

    return call


report.main(make_call)
