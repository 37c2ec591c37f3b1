/**
 * Graft for Node.js: transfer learning for image recognition, in the vocabulary that Keras users know.
 * Start reading at `sequential`.
 */
import type { Layer, SymbolicTensor } from "./nn/layer.ts";
import { nodePlatform } from "./node/platform.ts";
import { type FunctionalOptions, functionalModel, type Model, sequentialModel } from "./train/model.ts";

let shared: ReturnType<typeof nodePlatform> | undefined;

function platform() {
  shared ??= nodePlatform();
  return shared;
}

/** A model of layers one after another, as `keras.Sequential`. `inputShape` is one sample's, channels last. */
export function sequential(
  layers: readonly Layer[],
  options: { readonly inputShape: readonly number[]; readonly seed?: number; readonly name?: string },
): Model {
  return sequentialModel(layers, options, platform());
}

/** A model of any wiring, as `keras.Model`: `model(dense(2)(flatten()(input([8, 8, 1]))))`. */
export function model(output: SymbolicTensor, options: FunctionalOptions = {}): Model {
  return functionalModel(output, options, platform());
}

export { type BdaOptions, bda } from "./adapt/bda.ts";
export { centroidLabels } from "./adapt/centroidLabels.ts";
export type { ComponentOptions, Penalty } from "./adapt/components.ts";
export { type CoralOptions, coral } from "./adapt/coral.ts";
export { coralDistance } from "./adapt/coralDistance.ts";
export { type Adaptation, applyMap, type DomainMap } from "./adapt/domainMap.ts";
export { type DomainName, domainNormalization } from "./adapt/domainNormalization.ts";
export type { Domains, LabelledDomains } from "./adapt/domains.ts";
export { geodesicFlow } from "./adapt/geodesicFlow.ts";
export { jda } from "./adapt/jda.ts";
export type { JointOptions, Labeller } from "./adapt/jointDistribution.ts";
export type { Kernel, LandmarkOptions } from "./adapt/kernelFeatures.ts";
export {
  adversarial,
  adversarialStrength,
  conditionalReversal,
  entropyConditioned,
  reversal,
} from "./adapt/losses/adversarial.ts";
export { classConfusion } from "./adapt/losses/classConfusion.ts";
export { deepCoral } from "./adapt/losses/deepCoral.ts";
export { type DomainTerm, domainLoss, targetRow } from "./adapt/losses/domainBatch.ts";
export { informationMaximisation } from "./adapt/losses/informationMaximisation.ts";
export { jointMmd } from "./adapt/losses/jointMmd.ts";
export { marginDisparity } from "./adapt/losses/marginDisparity.ts";
export { multiKernelMmd } from "./adapt/losses/multiKernelMmd.ts";
export { pseudoLabelStrength, pseudoLabels } from "./adapt/losses/pseudoLabels.ts";
export { sourceHypothesisLoss } from "./adapt/losses/sourceHypothesis.ts";
export { type DiscrepancyKernel, type MmdOptions, mmd, mmdTest, type PermutationTest } from "./adapt/mmd.ts";
export { nearestLabels } from "./adapt/nearestLabels.ts";
export { optimalTransport, type TransportOptions } from "./adapt/optimalTransport.ts";
export { classCounts, resampledPlaces } from "./adapt/partialTransfer.ts";
export { type ProxyADistanceOptions, proxyADistance } from "./adapt/proxyADistance.ts";
export { type SemiSupervisedOptions, semiSupervisedTca } from "./adapt/semiSupervisedTca.ts";
export { slicedWasserstein } from "./adapt/slicedWasserstein.ts";
export { type SubspaceOptions, subspaceAlignment } from "./adapt/subspaceAlignment.ts";
export { tca } from "./adapt/tca.ts";
export { deepEmbeddedValidation, densityRatios } from "./adapt/validators/deepEmbeddedValidation.ts";
export { meanEntropy } from "./adapt/validators/entropy.ts";
export { infoMax } from "./adapt/validators/infoMax.ts";
export { neighbourhoodDensity } from "./adapt/validators/neighbourhoodDensity.ts";
export type { Compute } from "./algebra/compute.ts";
export { type Matrix, unitRows } from "./algebra/matrix.ts";
export { architectures } from "./backbones/architectures.ts";
export { backbone } from "./backbones/backbone.ts";
export { GraftError } from "./base/errors.ts";
export type { Rows } from "./base/rows.ts";
export { Tensor } from "./base/tensor.ts";
export { type DiagnoseOptions, diagnose } from "./doctor/diagnose.ts";
export { type Finding, formatFindings } from "./doctor/finding.ts";
export { eigenCam } from "./explain/eigenCam.ts";
export {
  type Faithfulness,
  type FaithfulnessOptions,
  faithfulness,
  randomMap,
} from "./explain/faithfulness.ts";
export { gradCam } from "./explain/gradCam.ts";
export { gradCamPlusPlus } from "./explain/gradCamPlusPlus.ts";
export type { HeatMap } from "./explain/heatMap.ts";
export {
  type GradientOf,
  type IntegratedGradientsOptions,
  integratedGradients,
} from "./explain/integratedGradients.ts";
export { type OcclusionOptions, occlusion, type ScoreOf } from "./explain/occlusion.ts";
export { overlay } from "./explain/overlay.ts";
export type { FeatureMaps } from "./explain/probe.ts";
export { type SmoothGradOptions, smoothGrad } from "./explain/smoothGrad.ts";
export type { Value } from "./graph/value.ts";
export { type BootstrapOptions, bootstrap } from "./metrics/bootstrap.ts";
export { classificationMetrics } from "./metrics/classification.ts";
export type { ClassificationBatch } from "./metrics/classificationBatch.ts";
export { reportWithIntervals } from "./metrics/classificationIntervals.ts";
export type { ClassificationReport } from "./metrics/classificationReport.ts";
export { compareAnswers } from "./metrics/comparison.ts";
export { fitConformal, predictionSets } from "./metrics/conformal.ts";
export { normalised } from "./metrics/confusion.ts";
export { precisionRecallCurve, rocCurve } from "./metrics/curves.ts";
export { mcnemar } from "./metrics/mcnemar.ts";
export { type Metric, measure } from "./metrics/metric.ts";
export { multiTask } from "./metrics/multiTask.ts";
export { formatConfusion, formatReport } from "./metrics/report.ts";
export { wilsonInterval } from "./metrics/wilson.ts";
export { conv2d, depthwiseConv2d } from "./nn/convolutionLayers.ts";
export { activate, dense, dropout, flatten } from "./nn/denseLayers.ts";
export { input } from "./nn/layer.ts";
export {
  classTargets,
  type LayerOutput,
  type Loss,
  lossAt,
  type Target,
  valueTargets,
  type WeightedLoss,
  weightedSum,
} from "./nn/loss.ts";
export {
  binaryCrossentropy,
  categoricalCrossentropy,
  meanSquaredError,
  sparseCategoricalCrossentropy,
} from "./nn/losses.ts";
export { add, concatenate } from "./nn/mergeLayers.ts";
export { multiTaskLoss, type TaskLoss, type TaskWeighting, taskUncertainty } from "./nn/multiTaskLoss.ts";
export { batchNormalization, rescaling } from "./nn/normalisationLayers.ts";
export { averagePooling2d, globalAveragePooling2d, maxPooling2d } from "./nn/poolingLayers.ts";
export { l1, l1l2, l2 } from "./nn/regularizers.ts";
export { type LoadedModel, type LoadOptions, load } from "./node/load.ts";
export { nodePlatform } from "./node/platform.ts";
/** Operators to write losses with. */
export * as ops from "./ops/index.ts";
export { adam, adamw, rmsprop, sgd } from "./optim/optimizers.ts";
export {
  constantSchedule,
  cosineSchedule,
  exponentialSchedule,
  oneCycle,
  stepSchedule,
  warmUp,
} from "./optim/schedules.ts";
export { type ChartSpec, drawChart } from "./report/chart.ts";
export { reliabilityChart } from "./report/reliabilityChart.ts";
export type { Classification } from "./tasks/imageAnswers.ts";
export type { ImageContent } from "./tasks/imageModel.ts";
export type { RankedClass, TargetAnswer } from "./tasks/task.ts";
export { earlyStopping, modelCheckpoint, reduceLROnPlateau } from "./train/callbacks.ts";
export { arrays } from "./train/data.ts";
export type { Data, FitOptions, FunctionalOptions, History, Model } from "./train/model.ts";
export { fitTemperature, fitVectorScaling, scaledProbabilities } from "./transfer/logitScaling.ts";
export { hScore, leep, logMe, negativeConditionalEntropy } from "./transfer/transferability.ts";
