// The OpenAI SDK for Node.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY });
const model = process.env.MODEL;
const messages = [{ role: "user", content: "Say hello in five words." }];
const tool = {
  type: "function",
  function: {
    name: "weather",
    description: "The weather in a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

const scenes = {
  async chat() {
    const answer = await client.chat.completions.create({ model, messages, max_tokens: 200 });
    const { usage, choices } = answer;
    return { text: choices[0].message.content, tokens: usage.completion_tokens, cost: usage.cost };
  },

  async stream() {
    const seen = { text: "", chunks: 0 };
    const stream_options = { include_usage: true };
    for await (const chunk of await client.chat.completions.create({ model, messages, max_tokens: 200, stream: true, stream_options })) {
      seen.chunks += 1;
      seen.text += chunk.choices[0]?.delta?.content ?? "";
      if (chunk.usage) Object.assign(seen, { tokens: chunk.usage.completion_tokens, cost: chunk.usage.cost });
    }
    return seen;
  },

  async tools() {
    const question = [{ role: "user", content: "What is the weather in Lisbon?" }];
    const answer = await client.chat.completions.create({
      model, messages: question, tools: [tool], tool_choice: "required", max_tokens: 200,
    });
    const called = answer.choices[0].message.tool_calls[0].function;
    return { tool: called.name, arguments: called.arguments, cost: answer.usage.cost };
  },

  async models() {
    const names = [];
    for await (const each of client.models.list()) names.push(each.id);
    return { models: names.length, names };
  },
};

const seen = await scenes[process.argv[2]]().catch((error) => {
  if (error instanceof OpenAI.APIError) return { error: error.message, status: error.status };
  throw error;
});
console.log(JSON.stringify(seen));
