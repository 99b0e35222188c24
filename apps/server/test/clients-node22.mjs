/** Asks the server at the address in argv for embeddings, by clients that need Node 22; prints what they got as JSON. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { OpenAIEmbeddings } from "@langchain/openai";
import { embedMany } from "ai";

const [url] = process.argv.slice(2);
const texts = ["one", "two words"];
const provider = createOpenAICompatible({ name: "modernbert", baseURL: `${url}/v1` });
const ai = await embedMany({ model: provider.embeddingModel("stub"), values: texts });
const langchain = new OpenAIEmbeddings({ model: "stub", apiKey: "none", configuration: { baseURL: `${url}/v1` } });
console.log(JSON.stringify({ ai: ai.embeddings, langchain: await langchain.embedDocuments(texts) }));
