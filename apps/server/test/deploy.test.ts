/** The files in deploy/ against strict schemas of the fields that they use, and against the server: a misspelled field or flag fails. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { parseCommand } from "../src/command.ts";
import { defaults } from "../src/options.ts";

const read = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../deploy/${name}`, import.meta.url)), "utf8");

const name = z.string().regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
const labels = z.strictObject({ app: name });
const cpu = z.string().regex(/^\d+m?$/);
const memory = z.string().regex(/^\d+[KMGT]i$/);
const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string(), port: z.literal("http") }),
  periodSeconds: z.int().positive(),
  failureThreshold: z.int().positive(),
  timeoutSeconds: z.int().positive().optional(),
});
const container = z.strictObject({
  name,
  image: z.string(),
  args: z.array(z.string()),
  ports: z.tuple([z.strictObject({ name: z.literal("http"), containerPort: z.int() })]),
  startupProbe: probe,
  readinessProbe: probe,
  livenessProbe: probe,
  lifecycle: z.strictObject({
    preStop: z.strictObject({ exec: z.strictObject({ command: z.tuple([z.literal("sleep"), z.string()]) }) }),
  }),
  resources: z.strictObject({ requests: z.strictObject({ cpu, memory }), limits: z.strictObject({ memory }) }),
  securityContext: z.strictObject({
    runAsNonRoot: z.literal(true),
    runAsUser: z.int().positive(),
    readOnlyRootFilesystem: z.boolean(),
    allowPrivilegeEscalation: z.literal(false),
  }),
  volumeMounts: z.array(z.strictObject({ name, mountPath: z.string().startsWith("/") })),
});
const deployment = z.strictObject({
  apiVersion: z.literal("apps/v1"),
  kind: z.literal("Deployment"),
  metadata: z.strictObject({ name, labels }),
  spec: z.strictObject({
    selector: z.strictObject({ matchLabels: labels }),
    strategy: z.strictObject({
      type: z.literal("RollingUpdate"),
      rollingUpdate: z.strictObject({ maxUnavailable: z.int(), maxSurge: z.int() }),
    }),
    template: z.strictObject({
      metadata: z.strictObject({ labels, annotations: z.record(z.string(), z.string()) }),
      spec: z.strictObject({
        terminationGracePeriodSeconds: z.int().positive(),
        containers: z.tuple([container]),
        volumes: z.array(
          z.union([
            z.strictObject({ name, persistentVolumeClaim: z.strictObject({ claimName: name }) }),
            z.strictObject({ name, secret: z.strictObject({ secretName: name }) }),
          ]),
        ),
      }),
    }),
  }),
});
const service = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Service"),
  metadata: z.strictObject({ name }),
  spec: z.strictObject({
    selector: labels,
    ports: z.tuple([z.strictObject({ name, port: z.int(), targetPort: z.literal("http") })]),
  }),
});
const autoscaler = z.strictObject({
  apiVersion: z.literal("autoscaling/v2"),
  kind: z.literal("HorizontalPodAutoscaler"),
  metadata: z.strictObject({ name }),
  spec: z.strictObject({
    scaleTargetRef: z.strictObject({ apiVersion: z.literal("apps/v1"), kind: z.literal("Deployment"), name }),
    minReplicas: z.int().positive(),
    maxReplicas: z.int().positive(),
    metrics: z.tuple([
      z.strictObject({
        type: z.literal("Pods"),
        pods: z.strictObject({
          metric: z.strictObject({ name: z.literal("te_queue_size") }),
          target: z.strictObject({ type: z.literal("AverageValue"), averageValue: z.string().regex(/^\d+$/) }),
        }),
      }),
    ]),
    behavior: z.strictObject({ scaleDown: z.strictObject({ stabilizationWindowSeconds: z.int().positive() }) }),
  }),
});

test("kubernetes.yaml", () => {
  const documents = parseAllDocuments(read("kubernetes.yaml")).map((document) => document.toJS() as unknown);
  const [pods, before, scaler] = z.tuple([deployment, service, autoscaler]).parse(documents);
  const { template, selector } = pods.spec;
  const [server] = template.spec.containers;
  expect([selector.matchLabels, template.metadata.labels, before.spec.selector]).toEqual(
    Array(3).fill(pods.metadata.labels),
  );
  expect(scaler.spec.scaleTargetRef.name).toBe(pods.metadata.name);

  const { options } = parseCommand(server.args);
  expect(server.ports[0].containerPort).toBe(defaults.port);
  expect(template.metadata.annotations["prometheus.io/port"]).toBe(String(defaults.port));
  const { startupProbe, readinessProbe, livenessProbe, lifecycle, volumeMounts } = server;
  expect([startupProbe, readinessProbe, livenessProbe].map(({ httpGet }) => httpGet.path)).toEqual([
    "/health",
    "/health",
    "/live",
  ]);
  const leaving = Number(lifecycle.preStop.exec.command[1]) + options.shutdownTimeout!;
  expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(leaving);
  expect(volumeMounts.map((mount) => mount.name)).toEqual(template.spec.volumes.map((volume) => volume.name));
  expect(volumeMounts.some(({ mountPath }) => options.apiKeyFile!.startsWith(`${mountPath}/`))).toBe(true);
});

test("Dockerfile: an instruction a line, as another user than root, on an address that can be reached", () => {
  const instruction = /^(FROM|ARG|RUN|VOLUME|ENV|USER|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT) \S/;
  const lines = read("Dockerfile")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  for (const line of lines) expect(line).toMatch(instruction);
  const of = (word: string): string => lines.find((line) => line.startsWith(`${word} `))!.slice(word.length + 1);
  expect(of("FROM")).toMatch(/^node:20/);
  expect(of("USER")).toBe("node");
  expect(of("EXPOSE")).toBe(String(defaults.port));
  expect(JSON.parse(of("ENTRYPOINT"))).toEqual(["modernbert-serve"]);
  const variables = Object.fromEntries(
    of("ENV")
      .split(" ")
      .map((pair) => pair.split("=")),
  );
  expect(variables).toMatchObject({ HOST: "0.0.0.0", PORT: String(defaults.port), HF_HUB_CACHE: "/data" });
});
