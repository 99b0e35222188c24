/** Tasks over whole files: a job goes into a queue on Redis, workers share its shards, and its output is there as a whole or not at all. */
export { BulkError } from "./errors.ts";
export { checkOutput, writeRecords } from "./files/output.ts";
export type { ResultRecord } from "./files/output.ts";
export { inputFiles, readRecords } from "./files/read-records.ts";
export type { FileRecord, ReadRecordsOptions } from "./files/read-records.ts";
export type { BulkJob, BulkProgress, BulkResult } from "./job.ts";
export { connect } from "./redis.ts";
export type { Connection } from "./redis.ts";
export { follow } from "./submit/follow.ts";
export type { FollowOptions } from "./submit/follow.ts";
export { makeJob, submit } from "./submit/submit.ts";
export type { JobRequest, Submitted } from "./submit/submit.ts";
export { startWorker } from "./work/worker.ts";
export type { WorkerOptions } from "./work/worker.ts";
