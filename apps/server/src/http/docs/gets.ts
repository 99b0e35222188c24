/** What the document says of routes without a body. */
import { z } from "zod";
import { modelList } from "../openai/models.ts";

export interface Get {
  readonly paths: readonly string[];
  readonly summary: string;
  /** Of the answer; none where it is empty. */
  readonly type?: "application/json" | "text/plain" | "text/html";
  readonly answer?: z.ZodType;
  /** Needs no API key. */
  readonly open?: boolean;
  readonly parameters?: readonly object[];
}

const labels = z.object({ id2label: z.record(z.string(), z.string()), label2id: z.record(z.string(), z.int()) });

const info = z.strictObject({
  model_id: z.string(),
  model_sha: z.string().nullable(),
  model_dtype: z.string(),
  served_model_name: z.string(),
  model_type: z.union([
    z.strictObject({ embedding: z.strictObject({ pooling: z.union([z.string(), z.array(z.string())]) }) }),
    z.strictObject({ classifier: labels }),
    z.strictObject({ reranker: labels }),
    z.strictObject({ "token-classifier": labels }),
    z.strictObject({ "question-answerer": z.strictObject({}) }),
  ]),
  max_concurrent_requests: z.int(),
  max_input_length: z.int(),
  max_batch_tokens: z.int(),
  max_batch_requests: z.int().nullable(),
  max_client_batch_size: z.int(),
  auto_truncate: z.boolean(),
  tokenization_workers: z.int(),
  version: z.string(),
  sha: z.string().nullable(),
  docker_label: z.string().nullable(),
});

export const gets: readonly Get[] = [
  { paths: ["/info"], summary: "The model and the server's limits.", type: "application/json", answer: info },
  { paths: ["/v1/models"], summary: "OpenAI's list of models.", type: "application/json", answer: modelList },
  { paths: ["/health", "/", "/ping"], summary: "200 when the model can answer, else 503.", open: true },
  { paths: ["/live"], summary: "503 once a model's worker has died for good, else 200.", open: true },
  { paths: ["/metrics"], summary: "Numbers for Prometheus.", type: "text/plain", open: true },
  { paths: ["/docs"], summary: "This document as a page.", type: "text/html", open: true },
  { paths: ["/api-doc/openapi.json"], summary: "This document.", type: "application/json", open: true },
];
