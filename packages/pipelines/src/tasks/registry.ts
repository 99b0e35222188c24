/** Tasks by name, and what each takes and gives. */
import type { Head } from "@modernbert-ts/encoder";
import * as tasks from "./all.ts";
import type { Task } from "./task.ts";

/** By name; `Object.entries` because a namespace cannot be asked for a name that is computed. */
const byName: ReadonlyMap<string, unknown> = new Map(Object.entries(tasks));

export type TaskName = keyof typeof tasks;
export type TaskInput<N extends TaskName> = Parameters<(typeof tasks)[N]["prepare"]>[1];
export type TaskOptions<N extends TaskName> = Parameters<(typeof tasks)[N]["run"]>[2];
/** What preparing an input looks at: all options of the task. */
export type PrepareOptions<N extends TaskName> = Parameters<(typeof tasks)[N]["prepare"]>[2];
export type TaskOutput<N extends TaskName> = Awaited<ReturnType<(typeof tasks)[N]["run"]>>[number];
/** What an input gets of it. */
export type TaskAnswer<N extends TaskName> = ReturnType<Awaited<ReturnType<(typeof tasks)[N]["prepare"]>>["join"]>;

/** A task with those options that its `run` looks at: what a queue or another thread needs to know to compute it. */
export type TaskCall<N extends TaskName = TaskName> = {
  readonly [K in N]: { readonly name: K; readonly options: TaskOptions<K> };
}[N];

/** Names of the tasks that a head can do. */
export function taskNamesFor(head: Head): TaskName[] {
  return ([...byName.keys()] as TaskName[]).filter((name) => taskOf(name).heads.includes(head));
}

/** The task of that name. */
export function taskOf<N extends TaskName>(name: N): Task<TaskInput<N>, TaskOptions<N>, TaskOutput<N>, TaskAnswer<N>> {
  return byName.get(name) as Task<TaskInput<N>, TaskOptions<N>, TaskOutput<N>, TaskAnswer<N>>;
}
