/** What `inputs` may hold on TEI's routes and in its gRPC services. */
import type { InputRules } from "./inputs/read-inputs.ts";
import type { Service } from "./service.ts";

export function teiRules({ options, files }: Pick<Service, "options" | "files">): InputRules {
  return { field: "inputs", vocabSize: files.info.vocabSize, maxClientBatchSize: options.maxClientBatchSize };
}
