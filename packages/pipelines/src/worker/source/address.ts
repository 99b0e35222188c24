/** What people type as a model's address. */
import { ModelNotFoundError } from "../../errors.ts";
import type { ModelSource } from "./source.ts";

const hubId = /^[\w.-]+\/[\w.-]+$/;
const hubPage =
  /^(?:https?:\/\/)?(?:huggingface\.co|hf\.co)\/([\w.-]+\/[\w.-]+)(?:\/(?:tree|blob|resolve|raw)\/([^/?#]+)(?:\/[^?#]*)?)?\/?(?:[?#].*)?$/;

/**
 * A hub id (owner/name), a model's page on the hub with or without a revision, or the address of a folder; addresses relative to
 * `base` begin with a dot or a slash.
 * @throws ModelNotFoundError on anything else.
 */
export function modelAddress(text: string, base: string): ModelSource {
  const wanted = text.trim();
  if (hubId.test(wanted) && !/^\.{1,2}\//.test(wanted)) return { kind: "hub", id: wanted, revision: "main" };
  const [page, id, revision] = hubPage.exec(wanted) ?? [];
  if (page !== undefined) return { kind: "hub", id: id!, revision: decodeURIComponent(revision ?? "main") };
  if (!/^(https?:\/\/.|\.{0,2}\/)/.test(wanted) || !URL.canParse(wanted, base)) throw noAddress(wanted);
  const { origin, pathname } = new URL(wanted, base);
  return { kind: "url", url: `${origin}${pathname}`.replace(/\/(config\.json)?$/, "") };
}

function noAddress(text: string): ModelNotFoundError {
  const got = text === "" ? "nothing" : JSON.stringify(text);
  return new ModelNotFoundError(
    `expected a model's id on the hub or the address of its folder, got ${got}: give owner/name, or begin with https://`,
  );
}
