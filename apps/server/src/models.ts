/** The models of one server, by the names that requests call them. */
import { ServeError, StartError } from "./errors.ts";
import { whyUnhealthy } from "./service.ts";
import type { Service } from "./service.ts";

export class Models {
  /** In the order of the flags; the first answers requests that name none. */
  readonly all: readonly [Service, ...Service[]];

  /** @throws StartError where two have one name. */
  constructor(all: readonly [Service, ...Service[]]) {
    this.all = all;
    const names = all.map(({ name }) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice === undefined) return;
    throw new StartError(
      `expected models under different names, got ${twice} twice: give each a --served-model-name of its own`,
    );
  }

  /** The first model. */
  get first(): Service {
    return this.all[0];
  }

  /** Seconds until the first of them has done what waits now. */
  estimateWait(): number {
    return Math.min(...this.all.map(({ scheduler }) => scheduler.estimateWait()));
  }

  /** Those that are in memory or on their way there. */
  inMemory(): Service[] {
    return this.all.filter(({ place }) => place.state === "inside");
  }

  /**
   * The model that a request names. Where there is only one it answers whatever is named, as text-embeddings-inference does.
   * @throws ServeError 404 for a name that none of several models has.
   */
  find(name: string | null | undefined): Service {
    if (this.all.length === 1 || name === undefined || name === null) return this.first;
    const found = this.all.find((service) => service.name === name || service.options.model === name);
    if (found) return found;
    const names = this.all.map((service) => service.name).join(", ");
    throw new ServeError("Validation", `there is no model ${JSON.stringify(name)}: this server has ${names}`, {
      status: 404,
    });
  }

  /** Why the server cannot answer for all of its models; undefined when it can. */
  whyUnhealthy(): string | undefined {
    for (const service of this.all) {
      const why = whyUnhealthy(service);
      if (why !== undefined) return this.all.length === 1 ? why : `${service.name}: ${why}`;
    }
    return undefined;
  }
}

/** The model that a body names in its field `model`. @throws ServeError 404, or 422 where that is no name. */
export function modelOf(models: Models, body: unknown): Service {
  const name = (body as { model?: unknown } | null | undefined)?.model;
  if (name === undefined || name === null || typeof name === "string") return models.find(name);
  throw new ServeError(
    "Validation",
    `\`model\` should be a string, got ${Array.isArray(name) ? "a list" : typeof name}`,
  );
}
