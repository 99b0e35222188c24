/** The files in deploy/ against strict schemas of the fields that they use: a misspelled one fails. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launchOf } from "@modernbert-ts/training";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { createProgram } from "../src/program.ts";

const path = (name: string): string => fileURLToPath(new URL(`../deploy/${name}`, import.meta.url));

/** Words after `modernbert-train` that the program takes. */
function expectCommand(words: readonly string[]): void {
  const run = createProgram().commands.find((command) => command.name() === words[0]);
  const { operands, unknown } = run!.parseOptions(words.slice(1));
  expect([operands.length, unknown]).toEqual([1, []]);
}

const quantity = z.string().regex(/^\d+([KMGT]i)?$/);
const container = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  image: z.string(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  resources: z.strictObject({ limits: z.strictObject({ cpu: quantity, memory: quantity }) }),
  volumeMounts: z.array(z.strictObject({ name: z.string(), mountPath: z.string().startsWith("/") })).optional(),
});
const replicas = z.strictObject({
  replicas: z.int().positive(),
  restartPolicy: z.enum(["Never", "OnFailure"]).optional(),
  template: z.strictObject({
    spec: z.strictObject({
      containers: z.array(container).length(1),
      terminationGracePeriodSeconds: z.int().optional(),
      volumes: z
        .array(z.strictObject({ name: z.string(), persistentVolumeClaim: z.strictObject({ claimName: z.string() }) }))
        .optional(),
    }),
  }),
});
const mpiJob = z.strictObject({
  apiVersion: z.literal("kubeflow.org/v2beta1"),
  kind: z.literal("MPIJob"),
  metadata: z.strictObject({ name: z.string() }),
  spec: z.strictObject({
    slotsPerWorker: z.int().positive(),
    mpiImplementation: z.enum(["OpenMPI", "Intel", "MPICH"]),
    runPolicy: z.strictObject({ cleanPodPolicy: z.enum(["None", "Running", "All"]), backoffLimit: z.int() }),
    mpiReplicaSpecs: z.strictObject({ Launcher: replicas, Worker: replicas }),
  }),
});

test("mpijob.yaml", () => {
  const job = mpiJob.parse(parse(readFileSync(path("mpijob.yaml"), "utf8")));
  const [launcher, worker] = [job.spec.mpiReplicaSpecs.Launcher, job.spec.mpiReplicaSpecs.Worker].map(
    ({ template }) => template.spec,
  );
  const args = launcher!.containers[0]!.args!;
  expectCommand(args.slice(args.indexOf("modernbert-train") + 1));
  for (const { name } of worker!.containers[0]!.volumeMounts!)
    expect(worker!.volumes!.map((volume) => volume.name)).toContain(name);
});

const podName = z.string().regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
const volume = z.union([
  z.strictObject({ name: podName, persistentVolumeClaim: z.strictObject({ claimName: z.string() }) }),
  z.strictObject({ name: podName, emptyDir: z.strictObject({ medium: z.literal("Memory"), sizeLimit: quantity }) }),
]);
const jobSet = z.strictObject({
  apiVersion: z.literal("jobset.x-k8s.io/v1alpha2"),
  kind: z.literal("JobSet"),
  metadata: z.strictObject({ name: podName }),
  spec: z.strictObject({
    failurePolicy: z.strictObject({ maxRestarts: z.int().positive() }),
    network: z.strictObject({ enableDNSHostnames: z.boolean(), subdomain: podName }),
    replicatedJobs: z
      .array(
        z.strictObject({
          name: podName,
          replicas: z.int().positive(),
          template: z.strictObject({
            spec: z.strictObject({
              completionMode: z.enum(["Indexed", "NonIndexed"]),
              completions: z.int().positive(),
              parallelism: z.int().positive(),
              backoffLimit: z.int(),
              template: z.strictObject({
                spec: z.strictObject({
                  restartPolicy: z.enum(["Never", "OnFailure"]),
                  terminationGracePeriodSeconds: z.int(),
                  containers: z
                    .array(
                      container.extend({
                        env: z.array(z.strictObject({ name: z.string(), value: z.string() })),
                        resources: z.strictObject({
                          limits: z.strictObject({ cpu: quantity, memory: quantity, "nvidia.com/gpu": z.literal("1") }),
                        }),
                      }),
                    )
                    .length(1),
                  volumes: z.array(volume),
                }),
              }),
            }),
          }),
        }),
      )
      .length(1),
  }),
});

test("jobset.yaml", () => {
  const { metadata, spec } = jobSet.parse(parse(readFileSync(path("jobset.yaml"), "utf8")));
  const { name, replicas: jobs, template } = spec.replicatedJobs[0]!;
  const { completionMode, completions, parallelism, template: pod } = template.spec;
  const { args, env, volumeMounts } = pod.spec.containers[0]!;
  expectCommand(args!);
  // All pods run at once, each has an index, and the first is found by its name.
  expect([jobs, completionMode, parallelism, spec.network.enableDNSHostnames]).toEqual([
    1,
    "Indexed",
    completions,
    true,
  ]);
  const variables = Object.fromEntries(env.map((each) => [each.name, each.value]));
  for (let rank = 0; rank < completions; rank++)
    expect(launchOf({ ...variables, JOB_COMPLETION_INDEX: String(rank) })).toMatchObject({ rank, world: completions });
  expect(variables["MASTER_ADDR"]).toBe(`${metadata.name}-${name}-0-0.${spec.network.subdomain}`);
  expect(variables["MASTER_PORT"]).toMatch(/^[1-9]\d{3,4}$/);
  expect(volumeMounts!.map((mount) => mount.name)).toEqual(pod.spec.volumes.map((each) => each.name));
});

const count = z.string().regex(/^[1-9]\d*$/);
const sbatch = z.strictObject({
  "job-name": z.string(),
  nodes: count,
  "ntasks-per-node": count,
  "cpus-per-task": count,
  time: z.string().regex(/^\d+:\d\d:\d\d$/),
  signal: z.string().regex(/^TERM@\d+$/),
  requeue: z.undefined(),
  "open-mode": z.enum(["append", "truncate"]),
});
const srun = z.strictObject({
  mpi: z.enum(["pmix", "pmi2"]),
  "cpu-bind": z.enum(["cores", "sockets", "none"]),
  "kill-on-bad-exit": z.literal("1"),
});

const optionsOf = (words: readonly string[]): Record<string, string | undefined> =>
  Object.fromEntries(words.map((word) => word.replace(/^--/, "").split("=") as [string, string | undefined]));

test("slurm.sh", () => {
  const text = readFileSync(path("slurm.sh"), "utf8");
  sbatch.parse(optionsOf([...text.matchAll(/^#SBATCH (\S+)$/gm)].map((match) => match[1]!)));
  const [, before, command] = /^srun (.*) modernbert-train (.*)$/m.exec(text)!;
  srun.parse(optionsOf(before!.split(" ")));
  expectCommand(command!.split(" "));
  expect(spawnSync("bash", ["-n", path("slurm.sh")]).status).toBe(0);
});
