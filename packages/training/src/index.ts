export { DataError, SettingMismatchError, ioError } from "./errors.ts";
export type { DataErrorCode } from "./errors.ts";
export { suggestionFor } from "./suggestion.ts";
export { AtomicDirectory } from "./files/atomic-directory.ts";
export { DocumentOrder, epochPermutation } from "./data/packing/document-order.ts";
export type { DocumentOrderOptions, OrderedDocument } from "./data/packing/document-order.ts";
export { fileSha256, fingerprint } from "./files/fingerprint.ts";
export type { JsonValue } from "./files/fingerprint.ts";
export { createMlmMasker, IGNORE_LABEL } from "./objectives/masked-lm/mask.ts";
export type { MaskedRow, MaskOptions } from "./objectives/masked-lm/mask.ts";
export { wordEdges } from "./objectives/masked-lm/words.ts";
export { PackedLoader } from "./data/packing/packed-loader.ts";
export type { PackedLoaderOptions, PackedLoaderState } from "./data/packing/packed-loader.ts";
export { joinStores, mixStores } from "./data/packing/mixture.ts";
export type { MixtureWeights, NamedStore } from "./data/packing/mixture.ts";
export { MixtureOrder } from "./data/packing/mixture-order.ts";
export type { MixturePart } from "./data/packing/mixture-order.ts";
export { PrefetchLoader } from "./data/prefetch/prefetch-loader.ts";
export type { PrefetchOptions } from "./data/prefetch/prefetch-loader.ts";
export { serveBatches } from "./data/prefetch/serve.ts";
export type { Channel } from "./data/prefetch/messages.ts";
export { batchesOf } from "./data/packing/batch.ts";
export type { Batch, BatchLoader, BatchSource, PackedRow } from "./data/packing/batch.ts";
export { maskedLmLoader } from "./objectives/masked-lm/loader.ts";
export type { MaskedLmBatch, MaskedLmLoaderOptions } from "./objectives/masked-lm/loader.ts";
export { maskedLmObjective } from "./objectives/masked-lm/objective.ts";
export { randomTokenDetectionObjective } from "./objectives/random-token-detection/objective.ts";
export { replacedTokenDetectionObjective } from "./objectives/replaced-token-detection/objective.ts";
export { objectiveOf, objectives } from "./objectives/registry.ts";
export { GreedyBestFitPacker } from "./data/packing/packer.ts";
export type { PackerOptions } from "./data/packing/packer.ts";
export { sequenceLengths } from "./data/packing/sequence-lengths.ts";
export type { CutOptions, DocumentStore, SequenceRef, SequenceStreamState } from "./data/packing/sequences.ts";
export { ExampleStore } from "./data/examples/example-store.ts";
export type { Example } from "./data/examples/example.ts";
export type { ExampleRow } from "./data/examples/example-row.ts";
export { collectLabels, readExamples } from "./data/examples/read-examples.ts";
export type {
  ExampleReading,
  ExampleSource,
  FieldDefinition,
  ReadExamples,
  ReadingOptions,
} from "./data/examples/read-examples.ts";
export { readRetrievalTest } from "./data/examples/retrieval-folder.ts";
export type { RetrievalTest } from "./data/examples/retrieval-folder.ts";
export { bm25 } from "./metrics/bm25.ts";
export { rank } from "./metrics/nearest.ts";
export { rankingScores } from "./metrics/ranking.ts";
export type { RankingScores, Relevance } from "./metrics/ranking.ts";
export { hasTokenShards, readShardManifest } from "./data/shards/shard-format.ts";
export type { ShardEntry, ShardFile, ShardManifest, TokenDType } from "./data/shards/shard-format.ts";
export { isWhole, outputFormats } from "./data/shards/output-formats.ts";
export type { OutputFormat, OutputFormatName, ShardSink, WrittenShard } from "./data/shards/output-formats.ts";
export { openTokenShards } from "./data/shards/shard-reader.ts";
export type { OpenTokenShardsOptions, TokenShardReader } from "./data/shards/shard-reader.ts";
export { TokenShardWriter } from "./data/shards/shard-writer.ts";
export type { TokenShardWriterOptions } from "./data/shards/shard-writer.ts";
export { findDataFiles } from "./data/sources/data-files.ts";
export { textFormats, TextSource } from "./data/sources/text-source.ts";
export type { TextDocument, TextSourceOptions, TextSourceReport } from "./data/sources/text-source.ts";
export { tokenizeDocuments } from "./data/sources/tokenize-documents.ts";
export type { TokenizeResult } from "./data/sources/tokenize-documents.ts";
export { batchSizeSchedule, batchSizeThresholds } from "./schedules/batch-size.ts";
export type { BatchSizeWarmup } from "./schedules/batch-size.ts";
export { learningRateSchedule } from "./schedules/learning-rate.ts";
export type { LearningRateSchedule } from "./schedules/learning-rate.ts";
export { stepSchedule } from "./schedules/steps.ts";
export type { ScheduleChanges, ScheduleStep } from "./schedules/steps.ts";
export type { TokenSchedule } from "./schedules/token-schedule.ts";
export { filesBesideWeights } from "./checkpoint/format.ts";
export { combineModels } from "./checkpoint/combine.ts";
export { meanRule, tiesRule } from "./checkpoint/combine-rules.ts";
export type { CombineRule } from "./checkpoint/combine-rules.ts";
export { loadRest } from "./checkpoint/load-rest.ts";
export { loadAverage, writeAverage } from "./checkpoint/write-average.ts";
export { CheckpointError } from "./checkpoint/errors.ts";
export type { CheckpointErrorCode } from "./checkpoint/errors.ts";
export { completeCheckpoints, listCheckpoints, setAside } from "./checkpoint/find.ts";
export type { CheckpointRef } from "./checkpoint/find.ts";
export { openCheckpoint, openLatestCheckpoint, restoreTensors } from "./checkpoint/load.ts";
export type { Checkpoint } from "./checkpoint/load.ts";
export { saveCheckpoint } from "./checkpoint/save.ts";
export type { CheckpointContents, SaveOptions } from "./checkpoint/save.ts";
export { adapterDescription } from "./lora/adapter-description.ts";
export { adapterFiles, isAdapter } from "./lora/adapter-tensors.ts";
export { foldAdapter } from "./lora/fold.ts";
export type { FoldOptions } from "./lora/fold.ts";
export { addLora } from "./lora/lora.ts";
export type { Lora, LoraOptions } from "./lora/lora.ts";
export { loraShapes } from "./lora/modules.ts";
export { saveAdapter } from "./lora/save-adapter.ts";
export { evaluate, evaluateUnless } from "./loop/evaluate.ts";
export type { Score } from "./loop/evaluate.ts";
export type { CheckpointEvent, EvaluationEvent, StepEvent, TrainingEvent, TrainingObserver } from "./loop/events.ts";
export type { Interval } from "./loop/interval.ts";
export { gatherJson, gatherNumbers } from "./collectives/gather.ts";
export { launchOf } from "./collectives/launch.ts";
export type { Launch } from "./collectives/launch.ts";
export { singleProcessCollective } from "./collectives/single-process.ts";
export { MetricsLog, readMetrics } from "./loop/metrics-log.ts";
export type {
  Baseline,
  BatchSettings,
  HeadSettings,
  HeldOutMetrics,
  MetricDefinition,
  Objective,
  ObjectiveData,
  ObjectiveOutput,
  RowDraw,
  TokenRoles,
  TrainableModel,
  TrainingStore,
} from "./objectives/objective.ts";
export { defaultValues } from "./objectives/settings.ts";
export type { ObjectiveSettings, Setting, SettingValue, SettingValues } from "./objectives/settings.ts";
export type { LossScaleOptions } from "./optimizer/loss-scale.ts";
export { AdamW } from "./optimizer/adamw.ts";
export type { AdamOptions } from "./optimizer/adam-options.ts";
export { AveragedOptimizer } from "./optimizer/averaged-optimizer.ts";
export { createOptimizer } from "./optimizer/create.ts";
export type { OptimizerOptions } from "./optimizer/create.ts";
export type { GradientScaleOptions } from "./optimizer/gradient-scale.ts";
export { freeze } from "./optimizer/freeze.ts";
export { isDecayed } from "./optimizer/groups.ts";
export type { RateMultiples } from "./optimizer/groups.ts";
export { isMuonMatrix, Muon } from "./optimizer/muon.ts";
export type { MuonOptions } from "./optimizer/muon.ts";
export { optimizerKinds } from "./optimizer/optimizer.ts";
export type { Learned, NamedTensors, Optimizer, OptimizerKind, ScaledGradients } from "./optimizer/optimizer.ts";
export { ShardedOptimizer } from "./optimizer/sharded-optimizer.ts";
export { matchesName, unmatched } from "./optimizer/name-pattern.ts";
export { StableAdamW } from "./optimizer/stable-adamw.ts";
export type { StableAdamWOptions } from "./optimizer/stable-adamw.ts";
export { lowestLoss } from "./loop/best-score.ts";
export type { BestScore, Criterion } from "./loop/best-score.ts";
export { DivergenceError } from "./loop/divergence.ts";
export { Trainer } from "./loop/trainer.ts";
export type { TrainerOptions, TrainingResult } from "./loop/trainer-options.ts";
export { bestCheckpoints, isSound, lastSoundCheckpoint, lossOf } from "./loop/scored-checkpoints.ts";
export type { ScoredCheckpoint } from "./loop/scored-checkpoints.ts";
export { loaderStateOf, refreshCopies, restoreTraining, trainingStateOf } from "./loop/restore-training.ts";
export type { TrainingProgress, TrainingState } from "./loop/training-state.ts";
export { overwriteStep, uploadStep } from "./loop/device-step.ts";
export type { DeviceStep, StepOptions } from "./loop/device-step.ts";
export { queueStep, readStepMetrics, trainingStep } from "./loop/training-step.ts";
export type { StepMetrics } from "./loop/training-step.ts";
