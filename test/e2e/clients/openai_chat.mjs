// Chat completions by openai-node.
import { key, load, main, messages, tools } from "./report.mjs";

const { default: OpenAI, AzureOpenAI } = await load("openai");

const hosts = {
  openai: "https://api.openai.com/v1",
  custom: "https://llm.test/v1",
  foreign: "https://other.test/v1",
  azure: "https://contoso.openai.azure.com",
};

function clientFor(task) {
  const common = {
    apiKey: key,
    maxRetries: task.retries ?? 0,
    defaultQuery: task.query ?? {},
    timeout: 30000,
  };
  if (task.kind === "azure") {
    return new AzureOpenAI({ endpoint: hosts.azure, apiVersion: "2024-10-21", deployment: task.scenario, ...common });
  }
  return new OpenAI({ baseURL: hosts[task.kind], ...common });
}

function take(event, piece) {
  if (typeof piece === "string") {
    event(piece, piece);
    return;
  }
  let text = "";
  let finish;
  for (const choice of piece?.choices ?? []) {
    const part = choice.delta ?? choice.message;
    text += part?.content ?? "";
    for (const call of part?.tool_calls ?? []) event.tool(call.function?.name, call.function?.arguments);
    finish = choice.finish_reason ?? finish;
  }
  event(piece, text, finish);
}

await main((task) => {
  const client = clientFor(task);
  const asked = { model: task.scenario, messages, ...task.extra };
  if (task.tools) asked.tools = tools;
  if (task.stream && asked.stream === undefined) asked.stream = true;
  return async (event) => {
    const answer = await client.chat.completions.create(asked);
    if (!task.stream) {
      take(event, answer);
      return;
    }
    for await (const chunk of answer) take(event, chunk);
  };
});
