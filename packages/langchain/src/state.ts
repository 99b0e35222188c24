/** The state of a decision as JSON: messages as roles with their texts and tool calls. */
import type { State, StateValue } from "@langchain/core/decisions";
import { BaseMessage, isChatMessage } from "@langchain/core/messages";
import { InputError } from "@modernbert-ts/pipelines";
import type { Json } from "@modernbert-ts/pipelines";

type JsonObject = Readonly<Record<string, Json>>;

/** Types of LangChain's standard blocks that are no text. */
const media = new Set(["image", "audio", "video", "file", "image_url", "text-plain"]);
/** Where such a block has what it shows. */
const sources = ["data", "url", "fileId", "source_type", "image_url"];

const roles: Readonly<Record<string, string>> = { human: "user", ai: "assistant" };

/** Messages at any depth become `{ role, name?, content, tool_calls? }`. @throws InputError on media. */
export function jsonState(state: State): Json {
  return jsonOf(state);
}

function jsonOf(value: StateValue): Json {
  if (BaseMessage.isInstance(value)) return jsonOfMessage(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(jsonOf);
  if (media.has(value["type"] as string) && sources.some((key) => value[key] !== undefined)) {
    refuse(`a block of type ${String(value["type"])}`);
  }
  const given = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(given.map(([key, part]) => [key, jsonOf(part)]));
}

function jsonOfMessage(message: BaseMessage): JsonObject {
  const texts: string[] = [];
  const calls: JsonObject[] = [];
  for (const block of message.contentBlocks) {
    if (block.type === "text") texts.push(block.text);
    else if (block.type === "tool_call") calls.push({ name: block.name, args: block.args as Json });
    else refuse(`a block of type ${block.type} in a message`);
  }
  return {
    role: isChatMessage(message) ? message.role : (roles[message.type] ?? message.type),
    ...(message.name !== undefined && { name: message.name }),
    content: texts.join(""),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function refuse(what: string): never {
  throw new InputError("decide", "state", `expected texts, messages of text and JSON as state, got ${what}`);
}
