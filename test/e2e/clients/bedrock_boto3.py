"""Bedrock by boto3: Converse and InvokeModel with a model of Anthropic's."""

import json

import boto3
from botocore.config import Config

import report

CONVERSATION = [{"role": "user", "content": [{"text": report.MESSAGES[0]["content"]}]}]


def client_for(task):
    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id="AKIAE2E0123456789ABC",
        aws_secret_access_key="e2e/0123456789abcdef0123456789abcdef0123",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1 + task.get("retries", 0)}, read_timeout=30),
    )


def known(answer):
    """The answer without its headers, which have the time of day."""
    return {k: v for k, v in answer.items() if k != "ResponseMetadata"}


# The function, in Bedrock's words and in Anthropic's.
TOOL_CONFIG = {"tools": [{"toolSpec": {"name": "count_owls", "inputSchema": {"json": report.SCHEMA}}}]}
TOOLS = [{"name": "count_owls", "input_schema": report.SCHEMA}]


def text_of(content):
    return "".join(block.get("text", "") for block in content)


def converse(client, task, result):
    asked = {"modelId": task["scenario"], "messages": CONVERSATION}
    if task.get("tools"):
        asked["toolConfig"] = TOOL_CONFIG
    if task["stream"]:
        for event in client.converse_stream(**asked)["stream"]:
            delta = event.get("contentBlockDelta", {}).get("delta", {})
            begun = event.get("contentBlockStart", {}).get("start", {}).get("toolUse", {})
            result.tool(begun.get("name"), delta.get("toolUse", {}).get("input"))
            result.event(report.dump(event), delta.get("text"), event.get("messageStop", {}).get("stopReason"))
    else:
        answer = known(client.converse(**asked))
        content = answer["output"]["message"]["content"]
        for block in content:
            use = block.get("toolUse", {})
            result.tool(use.get("name"), use.get("input"))
        result.event(report.dump(answer), text_of(content), answer["stopReason"])


def invoke(client, task, result):
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 64, "messages": report.MESSAGES}
    if task.get("tools"):
        body["tools"] = TOOLS
    asked = {"modelId": task["scenario"], "body": json.dumps(body)}
    if task["stream"]:
        for event in client.invoke_model_with_response_stream(**asked)["body"]:
            inner = json.loads(event["chunk"]["bytes"])
            delta = inner.get("delta", {})
            result.tool(inner.get("content_block", {}).get("name"), delta.get("partial_json"))
            result.event(report.dump(inner), delta.get("text"), delta.get("stop_reason"))
    else:
        body = client.invoke_model(**asked)["body"].read().decode()
        inner = json.loads(body)
        for block in inner["content"]:
            result.tool(block.get("name"), block.get("input"))
        result.event(body, text_of(inner["content"]), inner["stop_reason"])


def make_call(task):
    client = client_for(task)
    ask = {"converse": converse, "invoke": invoke}[task["kind"]]
    return lambda result: ask(client, task, result)


report.main(make_call)
