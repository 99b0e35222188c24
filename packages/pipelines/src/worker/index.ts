/** Models in a Web Worker of a page: opened from the hub, an address or files, kept by the browser, asked by task. */
export { modelAddress } from "./source/address.ts";
export { modelFiles } from "./source/picked-files.ts";
export { DownloadError } from "./source/download-error.ts";
export type { ModelSource, Progress } from "./source/source.ts";
export { startModelWorker } from "./client.ts";
export type { CallOptions, ModelWorker, ModelWorkerOptions, OpenOptions, WorkerLike, WorkerModel } from "./client.ts";
export type { DeviceName, DeviceReport } from "./device.ts";
export { WorkerLostError } from "./errors.ts";
export type { Cost, ModelReport, RunOptions, TaskResult, TokenView, WorkerSettings } from "./protocol.ts";
