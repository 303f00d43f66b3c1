// OpenRouter's own SDK for TypeScript.
import { OpenRouter } from "@openrouter/sdk";
import { OpenRouterError } from "@openrouter/sdk/models/errors";

const client = new OpenRouter({ serverURL: process.env.BASE_URL, apiKey: process.env.API_KEY });
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
    const answer = await client.chat.send({ chatRequest: { model, messages, maxTokens: 200 } });
    const { usage, choices } = answer;
    return { text: choices[0].message.content, tokens: usage.completionTokens, cost: usage.cost };
  },

  async stream() {
    const seen = { text: "", chunks: 0 };
    const events = await client.chat.send({ chatRequest: { model, messages, maxTokens: 200, stream: true } });
    for await (const chunk of events) {
      seen.chunks += 1;
      seen.text += chunk.choices[0]?.delta?.content ?? "";
      if (chunk.usage) Object.assign(seen, { tokens: chunk.usage.completionTokens, cost: chunk.usage.cost });
    }
    return seen;
  },

  async tools() {
    const question = [{ role: "user", content: "What is the weather in Lisbon?" }];
    const chatRequest = { model, messages: question, tools: [tool], toolChoice: "required", maxTokens: 200 };
    const answer = await client.chat.send({ chatRequest });
    const called = answer.choices[0].message.toolCalls[0].function;
    return { tool: called.name, arguments: called.arguments, cost: answer.usage.cost };
  },

  async models() {
    const names = [];
    for await (const page of await client.models.list()) names.push(...page.result.data.map((each) => each.id));
    return { models: names.length, names };
  },

  async account() {
    const made = await client.apiKeys.create({ requestBody: { name: "made-by-sdk", limit: 5 } });
    const listed = (await client.apiKeys.list()).data.map((key) => [key.name, key.limit]);
    await client.apiKeys.delete({ hash: made.data.hash });
    const credits = (await client.credits.getCredits()).data;
    const { label } = (await client.apiKeys.getCurrentKeyMetadata()).data;
    const { totalCredits: bought, totalUsage: used } = credits;
    return { made: made.key, keys: listed, bought, used, label };
  },
};

const seen = await scenes[process.argv[2]]().catch((error) => {
  if (error instanceof OpenRouterError) return { error: error.message, status: error.statusCode };
  throw error;
});
console.log(JSON.stringify(seen));
