/** What a run needs of the HTTP API that W&B's own client speaks: GraphQL for the run, `file_stream` for its numbers. */

export interface WandbAddress {
  readonly url: string;
  readonly key: string;
}

/** A run by the names in its address. */
export interface WandbRun {
  readonly entity: string;
  readonly project: string;
  readonly id: string;
}

/** Of a run that is to be there: made, or found. */
export interface WandbUpsert {
  readonly id: string;
  readonly project: string;
  /** The key's own where it is left out. */
  readonly entity?: string | undefined;
  /** Stays as it is where it is left out. */
  readonly displayName?: string | undefined;
  /** By the names of sections. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** What `file_stream` takes: lines of files from an offset on, and whether the run has ended. */
export interface WandbLines {
  readonly files?: Readonly<Record<string, { readonly offset: number; readonly content: readonly string[] }>>;
  readonly complete?: boolean;
  readonly exitcode?: number;
}

interface Bucket {
  readonly name: string;
  readonly project: { readonly name: string; readonly entity: { readonly name: string } };
  readonly historyLineCount: number | null;
}

const upsertQuery = `mutation UpsertBucket($name: String, $project: String, $entity: String, $displayName: String, $config: JSONString) {
  upsertBucket(input: {name: $name, modelName: $project, entityName: $entity, displayName: $displayName, config: $config}) {
    bucket { name project { name entity { name } } historyLineCount }
  }
}`;

const tailQuery = `query RunResumeStatus($project: String, $entity: String, $name: String!) {
  model(name: $project, entityName: $entity) { bucket(name: $name, missingOk: true) { historyTail } }
}`;

const rewindQuery = `mutation RewindRun($runName: String!, $entity: String, $project: String, $metricName: String!, $metricValue: Float!) {
  rewindRun(input: {runName: $runName, entityName: $entity, projectName: $project, metricName: $metricName, metricValue: $metricValue}) {
    rewoundRun { historyLineCount }
  }
}`;

export class WandbApi {
  readonly #address: WandbAddress;

  constructor(address: WandbAddress) {
    this.#address = address;
  }

  /** @returns the run and how many lines of history it has. */
  async upsert({ id, project, entity, displayName, config }: WandbUpsert): Promise<WandbRun & { lines: number }> {
    const values = Object.fromEntries(Object.entries(config).map(([name, value]) => [name, { value }]));
    const variables = { name: id, project, entity, displayName, config: JSON.stringify(values) };
    const { upsertBucket } = await this.#query<{ upsertBucket: { bucket: Bucket } }>(upsertQuery, variables);
    const { name, project: of, historyLineCount } = upsertBucket.bucket;
    return { id: name, project: of.name, entity: of.entity.name, lines: historyLineCount ?? 0 };
  }

  /** The step of the last line of its history. */
  async lastStep({ id, project, entity }: WandbRun): Promise<number | undefined> {
    const { model } = await this.#query<{ model: { bucket: { historyTail: string | null } | null } | null }>(
      tailQuery,
      {
        name: id,
        project,
        entity,
      },
    );
    const tail = JSON.parse(model?.bucket?.historyTail ?? "[]") as string[];
    const last = tail.at(-1);
    return last === undefined ? undefined : (JSON.parse(last) as { _step?: number })._step;
  }

  /** Forgets what came after a step. @returns how many lines are left. @throws where the server cannot. */
  async rewind({ id, project, entity }: WandbRun, step: number): Promise<number> {
    const { rewindRun } = await this.#query<{ rewindRun: { rewoundRun: { historyLineCount: number | null } } }>(
      rewindQuery,
      { runName: id, project, entity, metricName: "_step", metricValue: step },
    );
    return rewindRun.rewoundRun.historyLineCount ?? 0;
  }

  async stream({ id, project, entity }: WandbRun, lines: WandbLines, signal?: AbortSignal): Promise<void> {
    const path = [entity, project, id].map(encodeURIComponent).join("/");
    await this.#post(`files/${path}/file_stream`, lines, signal);
  }

  async #query<Answer>(query: string, variables: object): Promise<Answer> {
    const text = await this.#post("graphql", { query, variables });
    const { data, errors } = JSON.parse(text) as { data?: Answer; errors?: { message: string }[] };
    if (errors?.length || !data)
      throw new Error(`W&B refused graphql: ${(errors?.[0]?.message ?? "no data").slice(0, 200)}`);
    return data;
  }

  async #post(endpoint: string, body: object, signal = AbortSignal.timeout(10_000)): Promise<string> {
    const { url, key } = this.#address;
    const response = await fetch(`${url}/${endpoint}`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Authorization: `Basic ${Buffer.from(`api:${key}`).toString("base64")}`,
      },
      body: JSON.stringify(body),
      redirect: "error",
      signal,
    });
    const text = await response.text();
    if (response.ok) return text;
    const hint = response.status === 401 ? ": is WANDB_API_KEY right?" : "";
    throw new Error(`W&B answered ${response.status} to ${endpoint.split("/").at(-1)!}${hint}`);
  }
}
