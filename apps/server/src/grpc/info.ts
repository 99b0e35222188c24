/** The service `tei.v1.Info`: what `/info` answers, as far as its message has room. */
import { ServeError } from "../errors.ts";
import { infoOf } from "../http/info.ts";
import { kindOf } from "../model/kind.ts";
import { unary } from "./method.ts";
import type { Bind, Handle } from "./method.ts";

const types: ReadonlyMap<string, number> = new Map([
  ["embedding", 0],
  ["classifier", 1],
  ["reranker", 2],
]);

const info: Handle<object, object> = async (_message, { service }) => {
  const kind = kindOf(service.files.info);
  const type = types.get(kind);
  if (type === undefined) throw new ServeError("Backend", `tei.v1 has no name for a ${kind}: ask GET /info`);
  return { ...infoOf(service), model_type: type };
};

export const infoMethods: Readonly<Record<string, Bind>> = { Info: unary(info) };
