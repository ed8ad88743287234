// Chat completions by openai-node. Tasks from stdin, one JSON object a call on
// stdout; the form is that of report.py.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// The packages lie in a cache, not beside this file.
const resolve = createRequire(process.env.E2E_NODE_HOME + "/").resolve;
const { default: OpenAI, AzureOpenAI } = await import(pathToFileURL(resolve("openai")));

const key = "sk-e2e-0123456789abcdef0123456789abcdef";
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

function classes(e) {
  const out = [];
  for (let p = Object.getPrototypeOf(e); p && p !== Object.prototype; p = Object.getPrototypeOf(p)) {
    out.push(p.constructor.name);
  }
  return out;
}

function explain(e) {
  const causes = [];
  for (let c = e.cause; c && causes.length < 8; c = c.cause) {
    causes.push([c.constructor.name, String(c.message ?? c), String(c.code ?? "")]);
  }
  return { class: e.constructor.name, mro: classes(e), text: String(e.message ?? e), causes };
}

async function run(task, client) {
  const out = { name: task.name, ok: false, n_events: 0, text: "", finish: [] };
  const sum = createHash("sha256");
  const take = (piece) => {
    out.n_events++;
    sum.update(JSON.stringify(piece) + "\n");
    if (typeof piece === "string") {
      out.text += piece;
      return;
    }
    for (const choice of piece?.choices ?? []) {
      out.text += (choice.delta ?? choice.message)?.content ?? "";
      if (choice.finish_reason) out.finish.push(choice.finish_reason);
    }
  };
  try {
    const body = { model: task.scenario, messages: [{ role: "user", content: "Tell me about owls." }], ...task.extra };
    if (task.stream && body.stream === undefined) body.stream = true;
    const answer = await client.chat.completions.create(body);
    if (task.stream) {
      for await (const chunk of answer) take(chunk);
    } else {
      take(answer);
    }
    out.ok = true;
  } catch (e) {
    out.error = explain(e);
    out.status = e.status ?? null;
  }
  out.digest = sum.digest("hex").slice(0, 16);
  console.log(JSON.stringify(out));
}

for (const task of JSON.parse(readFileSync(0, "utf8"))) {
  const client = clientFor(task);
  for (let i = 0; i < (task.repeat ?? 1); i++) await run(task, client);
}
