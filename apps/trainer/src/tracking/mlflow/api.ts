/** The endpoints of MLflow's REST API 2.0 that a run needs, over fetch. */

export interface MlflowMetric {
  readonly key: string;
  readonly value: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly step: number;
}

export interface MlflowAddress {
  readonly uri: string;
  readonly token?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

/** An answer that says no. */
export class MlflowError extends Error {
  override readonly name: string = "MlflowError";
  readonly code: string;

  constructor(endpoint: string, status: number, code: string, message: string) {
    super(`MLflow answered ${status} to ${endpoint}${code ? ` (${code})` : ""}${message ? `: ${message}` : ""}`);
    this.code = code;
  }
}

export class MlflowApi {
  readonly #address: MlflowAddress;

  constructor(address: MlflowAddress) {
    this.#address = address;
  }

  /** The id of an experiment, made where there is none of that name. */
  async experiment(name: string): Promise<string> {
    try {
      const found = await this.#call<{ experiment: { experiment_id: string } }>(
        `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`,
      );
      return found.experiment.experiment_id;
    } catch (error) {
      if (!(error instanceof MlflowError && error.code === "RESOURCE_DOES_NOT_EXIST")) throw error;
      return (await this.#call<{ experiment_id: string }>("experiments/create", { name })).experiment_id;
    }
  }

  async createRun(experiment: string, name: string): Promise<string> {
    const { run } = await this.#call<{ run: { info: { run_id: string } } }>("runs/create", {
      experiment_id: experiment,
      run_name: name,
      start_time: Date.now(),
    });
    return run.info.run_id;
  }

  async updateRun(run: string, status: "RUNNING" | "FINISHED" | "KILLED"): Promise<void> {
    const ended = status === "RUNNING" ? {} : { end_time: Date.now() };
    await this.#call("runs/update", { run_id: run, status, ...ended });
  }

  async logMetrics(run: string, metrics: readonly MlflowMetric[], signal: AbortSignal): Promise<void> {
    await this.#call("runs/log-batch", { run_id: run, metrics }, signal);
  }

  async logParameters(run: string, params: readonly { readonly key: string; readonly value: string }[]): Promise<void> {
    await this.#call("runs/log-batch", { run_id: run, params });
  }

  /** GET without a body. */
  async #call<Answer>(endpoint: string, body?: object, signal = AbortSignal.timeout(10_000)): Promise<Answer> {
    const { uri, token, user, password = "" } = this.#address;
    const secret = token
      ? `Bearer ${token}`
      : user
        ? `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`
        : "";
    const response = await fetch(`${uri.replace(/\/+$/, "")}/api/2.0/mlflow/${endpoint}`, {
      method: body ? "POST" : "GET",
      headers: {
        ...(body ? { "Content-Type": "application/json" } : {}),
        ...(secret ? { Authorization: secret } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      redirect: "error",
      signal,
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as Answer;
    const { error_code: code = "", message = "" } = parse(text);
    throw new MlflowError(endpoint.split("?")[0]!, response.status, code, message.slice(0, 200));
  }
}

function parse(text: string): { error_code?: string; message?: string } {
  try {
    return JSON.parse(text) as { error_code?: string; message?: string };
  } catch {
    return {};
  }
}
