// Messages by @anthropic-ai/sdk: its default (a bearer token), or the key in x-api-key.
import { key, load, main, messages, schema } from "./report.mjs";

const { default: Anthropic } = await load("@anthropic-ai/sdk");

function clientFor(task) {
  const common = { maxRetries: task.retries ?? 0, timeout: 30000 };
  if (task.kind === "x-api-key") {
    return new Anthropic({ apiKey: null, defaultHeaders: { "X-Api-Key": key }, ...common });
  }
  return new Anthropic({ apiKey: key, ...common });
}

const textOf = (answer) => (answer?.content ?? []).map((block) => block.text ?? "").join("");

await main((task) => {
  const client = clientFor(task);
  const asked = { model: task.scenario, max_tokens: 64, messages };
  if (task.tools) asked.tools = [{ name: "count_owls", input_schema: schema }];
  return async (event) => {
    if (!task.stream) {
      const answer = await client.messages.create(asked);
      for (const block of answer.content ?? []) event.tool(block.name, block.input);
      event(answer, typeof answer === "string" ? answer : textOf(answer), answer.stop_reason);
      return;
    }
    for await (const piece of await client.messages.create({ ...asked, stream: true })) {
      event.tool(piece.content_block?.name, piece.delta?.partial_json);
      event(piece, piece.delta?.text, piece.delta?.stop_reason);
    }
  };
});
