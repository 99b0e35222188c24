/** `grpc.health.v1`: each service serves while a model that it is for can answer. */
import { HealthImplementation } from "grpc-health-check";
import { kindOf } from "../model/kind.ts";
import type { ModelKind } from "../model/kind.ts";
import type { Models } from "../models.ts";
import { whyUnhealthy } from "../service.ts";

/** What models a service is for. */
const kinds: Readonly<Record<string, readonly ModelKind[]>> = {
  "tei.v1.Embed": ["embedding"],
  "tei.v1.Predict": ["classifier", "reranker"],
  "tei.v1.Rerank": ["reranker"],
};

export class GrpcHealth {
  readonly service: HealthImplementation = new HealthImplementation();
  readonly #models: Models;
  #stopped = false;

  constructor(models: Models) {
    this.#models = models;
    this.refresh();
  }

  /** To be called when a model's state has changed. */
  refresh(): void {
    this.#set("", this.#models.whyUnhealthy() === undefined);
    for (const name of ["tei.v1.Info", "tei.v1.Tokenize"]) this.#set(name, true);
    for (const [name, own] of Object.entries(kinds)) {
      const serving = this.#models.all.filter(({ files }) => own.includes(kindOf(files.info)));
      this.#set(name, serving.length > 0 && serving.every((service) => whyUnhealthy(service) === undefined));
    }
  }

  /** Nothing is served any more, whatever the models' states. */
  stop(): void {
    this.#stopped = true;
    this.refresh();
  }

  #set(name: string, serving: boolean): void {
    this.service.setStatus(name, serving && !this.#stopped ? "SERVING" : "NOT_SERVING");
  }
}
