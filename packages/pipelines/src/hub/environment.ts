/** What the environment says about the hub, in the variables of Python's huggingface_hub. An empty variable counts as none. */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { ModelNotFoundError } from "../errors.ts";

type Variables = Readonly<Record<string, string | undefined>>;

export interface HubEnvironment {
  /** Address of the hub or its mirror, without a slash at the end: HF_ENDPOINT. */
  readonly endpoint: string;
  /** Sent as `Bearer` to the endpoint and nowhere else. */
  readonly token: string | undefined;
  /** Milliseconds without a byte after which a connection counts as lost: HF_HUB_DOWNLOAD_TIMEOUT, in seconds. */
  readonly idleMs: number;
}

/** The longest that a timer of Node waits, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

/** Reads endpoint, token and time-out. @throws ModelNotFoundError on a time-out that is no positive number. */
export async function hubEnvironment(variables: Variables = process.env): Promise<HubEnvironment> {
  const endpoint = variables["HF_ENDPOINT"] || "https://huggingface.co";
  const seconds = Number(variables["HF_HUB_DOWNLOAD_TIMEOUT"] || 10);
  if (!(seconds > 0)) {
    throw new ModelNotFoundError(
      `expected HF_HUB_DOWNLOAD_TIMEOUT to be a number of seconds above 0, got ${JSON.stringify(variables["HF_HUB_DOWNLOAD_TIMEOUT"])}`,
    );
  }
  return {
    endpoint: endpoint.replace(/\/+$/, ""),
    token: await token(variables),
    idleMs: Math.min(1000 * seconds, longestTimer),
  };
}

/** HF_TOKEN, HUGGING_FACE_HUB_TOKEN, or what `hf auth login` left: the file HF_TOKEN_PATH, by default `token` in HF_HOME. */
async function token(variables: Variables): Promise<string | undefined> {
  const given = variables["HF_TOKEN"] || variables["HUGGING_FACE_HUB_TOKEN"];
  const path = expandHome(variables["HF_TOKEN_PATH"] || join(hubHome(variables), "token"));
  const text = given || (await readFile(path, "utf8").catch(() => ""));
  return text.trim() || undefined;
}

/** Where downloads are kept: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, or `hub` in HF_HOME. */
export function cachePath(variables: Variables = process.env): string {
  const given = variables["HF_HUB_CACHE"] || variables["HUGGINGFACE_HUB_CACHE"];
  return expandHome(given || join(hubHome(variables), "hub"));
}

/** Which variable forbids asking the hub, if one does. */
export function offlineVariable(variables: Variables = process.env): string | undefined {
  return ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"].find((name) => isTrue(variables[name]));
}

/** A path whose `~` stands for the home folder, as a shell would write it out. */
export function expandHome(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}

/** HF_HOME, or `huggingface` in XDG_CACHE_HOME or ~/.cache. */
function hubHome(variables: Variables): string {
  return expandHome(variables["HF_HOME"] || join(variables["XDG_CACHE_HOME"] || "~/.cache", "huggingface"));
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && ["1", "on", "yes", "true"].includes(value.toLowerCase());
}
