// Chat by @langchain/openai: invoke() and stream() of ChatOpenAI and
// AzureChatOpenAI, and ChatOpenAI on Responses.
import { key, load, main, question, tools } from "./report.mjs";

const { AzureChatOpenAI, ChatOpenAI } = await load("@langchain/openai");

function modelFor(task) {
  const common = { maxRetries: task.retries ?? 0, timeout: 30000 };
  if (task.kind === "azure") {
    return new AzureChatOpenAI({
      azureOpenAIEndpoint: "https://contoso.openai.azure.com",
      azureOpenAIApiKey: key,
      azureOpenAIApiDeploymentName: task.scenario,
      azureOpenAIApiVersion: "2024-10-21",
      ...common,
    });
  }
  return new ChatOpenAI({ model: task.scenario, apiKey: key, useResponsesApi: task.kind === "responses", ...common });
}

function take(event, message) {
  const { id, ...kept } = message.toDict().data; // random where the service gave none
  const finish = message.response_metadata?.finish_reason ?? message.response_metadata?.status;
  for (const call of message.tool_call_chunks ?? message.tool_calls ?? []) event.tool(call.name, call.args);
  event(kept, message.text, finish);
}

await main((task) => {
  let model = modelFor(task);
  if (task.tools) model = model.bindTools(tools);
  return async (event) => {
    if (!task.stream) {
      take(event, await model.invoke(question));
      return;
    }
    for await (const chunk of await model.stream(question)) take(event, chunk);
  };
});
