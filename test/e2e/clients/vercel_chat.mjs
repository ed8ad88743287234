// Text by Vercel's ai with its OpenAI provider: chat completions, and Responses,
// which is its default.
import { key, load, main, question, schema } from "./report.mjs";

const { generateText, jsonSchema, streamText } = await load("ai");
const { createOpenAI } = await load("@ai-sdk/openai");

await main((task) => {
  const provider = createOpenAI({ apiKey: key });
  const model = task.kind === "responses" ? provider.responses(task.scenario) : provider.chat(task.scenario);
  const asked = { model, prompt: question, maxRetries: task.retries ?? 0 };
  if (task.tools) asked.tools = { count_owls: { inputSchema: jsonSchema(schema) } };
  return async (event) => {
    if (!task.stream) {
      const answer = await generateText(asked);
      for (const call of answer.toolCalls) event.tool(call.toolName, call.input);
      event({ text: answer.text, usage: answer.usage }, answer.text, answer.finishReason);
      return;
    }
    let failure; // an error is told to onError, the text just ends
    const answer = streamText({ ...asked, onError: ({ error }) => void (failure ??= error) });
    for await (const text of answer.textStream) event(text, text);
    if (failure) throw failure;
    for (const call of await answer.toolCalls) event.tool(call.toolName, call.input);
    event({ usage: await answer.usage }, "", await answer.finishReason);
  };
});
