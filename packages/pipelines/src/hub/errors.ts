/** What can go wrong between here and the hub. `resolveModelFolder` turns each into advice. */

import { WriteError } from "@modernbert-ts/safetensors/node";

/** The hub answered, and said no. */
export class HubRefusalError extends Error {
  override readonly name = "HubRefusalError";
  readonly status: number;

  /** @param said The hub's own words, if it had any. */
  constructor(status: number, said: string) {
    super(said === "" ? `status ${status}` : `status ${status}: ${said}`);
    this.status = status;
  }
}

/** The hub could not be reached, or is out of order: later it may work, and a copy in the cache will do. */
export class HubUnreachableError extends Error {
  override readonly name = "HubUnreachableError";
}

/** The hub gave bytes that are not the file it promised. */
export class DamagedDownloadError extends Error {
  override readonly name = "DamagedDownloadError";
}

/** A refusal of the system, called what it is. */
export function written<T>(path: string, call: Promise<T>): Promise<T> {
  return call.catch((cause: NodeJS.ErrnoException) => {
    throw new WriteError(path, cause, "HF_HUB_CACHE and HF_HOME say where models are kept");
  });
}
