/** The usage and mode bits of the WebGPU specification. Node has no `GPUBufferUsage`, so they stand here. */

export const usage = {
  mapRead: 0x1,
  copySource: 0x4,
  copyTarget: 0x8,
  uniform: 0x40,
  storage: 0x80,
} as const;

export const mapModeRead = 1;
export const computeStage = 4;
