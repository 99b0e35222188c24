/** One model for the process; `next dev` loads this file anew at each change, so it is kept outside of it. */
import { LazyPipeline } from "@modernbert-ts/pipelines";

const kept = globalThis as { model?: LazyPipeline };

export const model = (kept.model ??= new LazyPipeline(process.env["MODEL"] ?? "answerdotai/ModernBERT-base"));
