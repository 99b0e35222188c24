/** What trained models are to beat. */
export { f1Of, tfIdfDecisions } from "./tf-idf.ts";
export type { LabelledText } from "./tf-idf.ts";
