"""Generated content by google-genai: the Gemini API, and Vertex AI with a key."""

from google import genai

import report


def take(result, answer):
    finish = None
    for candidate in answer.candidates or []:
        finish = candidate.finish_reason or finish
    dump = answer.model_dump(exclude={"sdk_http_response"}, mode="json")  # its headers have the time of day
    result.event(report.dump(dump), answer.text, finish and finish.value)


def make_call(task):
    client = genai.Client(api_key=report.KEY, vertexai=task["kind"] == "vertex")

    def call(result):
        asked = {"model": task["scenario"], "contents": report.MESSAGES[0]["content"]}
        if task["stream"]:
            for answer in client.models.generate_content_stream(**asked):
                take(result, answer)
        else:
            take(result, client.models.generate_content(**asked))

    return call


report.main(make_call)
