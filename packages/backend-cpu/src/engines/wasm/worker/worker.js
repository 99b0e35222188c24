/**
 * A worker of the WebAssembly engine, in Node and in browsers: instantiates the kernels on the shared memory, then runs tasks whenever the
 * signal changes. After a job it looks a little while for the next one before it sleeps.
 */
const looks = 4000;

function start({ module, memory, scratch, controlAddress, controlWords, valuesAddress, valueCount }) {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = WebAssembly.Module.exports(module).map(({ name }) => exports[name]);
  const control = new Int32Array(memory.buffer, controlAddress, controlWords);
  const values = new Float64Array(memory.buffer, valuesAddress, valueCount);
  const [signalAt, stopAt] = [0, 1];
  // What was signalled before this line was waited for by nobody, or its tasks are taken below.
  let signal = Atomics.load(control, signalAt);
  port.postMessage("ready");
  while (Atomics.load(control, stopAt) === 0) {
    runTasks(control, values, kernels, scratch);
    for (let look = 0; look < looks && Atomics.load(control, signalAt) === signal; look++);
    Atomics.wait(control, signalAt, signal);
    signal = Atomics.load(control, signalAt);
  }
}

const node = globalThis.process?.getBuiltinModule?.("node:worker_threads");
const port = node?.parentPort ?? globalThis;
if (node?.parentPort) port.once("message", start);
else addEventListener("message", ({ data }) => start(data), { once: true });
