/**
 * What every thread of the WebAssembly engine does with a job: takes tasks until none is left. Runs in the main thread and in workers.
 *
 * control: [signal, stop, remaining, completed, failed, kernel, tasks, argumentCount], values: the arguments. Only the main thread writes a
 * job, and only after all tasks of the last one are completed; so whoever has taken a task may read the job.
 * Returns the error of a kernel that trapped here, if any.
 */
export function runTasks(control, values, kernels, scratch) {
  const [remainingAt, completedAt, failedAt, kernelAt, tasksAt, argumentsAt] = [2, 3, 4, 5, 6, 7];
  let trapped;
  let remaining = Atomics.load(control, remainingAt);
  while (remaining > 0) {
    const seen = Atomics.compareExchange(control, remainingAt, remaining, remaining - 1);
    if (seen !== remaining) {
      remaining = seen;
      continue;
    }
    const tasks = control[tasksAt];
    try {
      kernels[control[kernelAt]](scratch, tasks - remaining, ...values.subarray(0, control[argumentsAt]));
    } catch (error) {
      trapped = error;
      Atomics.store(control, failedAt, 1);
    }
    if (Atomics.add(control, completedAt, 1) + 1 === tasks) Atomics.notify(control, completedAt);
    remaining = Atomics.load(control, remainingAt);
  }
  return trapped;
}
