/** What the command stream counts since its start. */
export interface StreamStats {
  readonly dispatches: number;
  readonly passes: number;
  readonly submits: number;
  readonly pipelines: number;
  /** By dispatches, each operand once: what a device moves at least. */
  readonly bytesMoved: number;
  readonly bytesUploaded: number;
  readonly bytesRead: number;
}
