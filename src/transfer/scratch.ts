import { simpleCnn } from "../backbones/simpleCnn.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { constantSchedule } from "../optim/schedules.ts";
import { initialTensors } from "../train/state.ts";
import { classLearning } from "./mixing.ts";
import { jobPixels } from "./pixelData.ts";
import type { TransferJob, TransferPlan } from "./strategy.ts";

/** A small CNN that knows nothing learns from the pixels. */
export function scratch(job: TransferJob): TransferPlan {
  const { images, classes, optimizer } = job;
  const { loss, ...targets } = classLearning(job, 0);
  const { side } = images;
  const network = sequentialNetwork(simpleCnn(side, classes), [side, side, 3]);
  return {
    network,
    backbone: undefined,
    ...jobPixels(job),
    initial: initialTensors(network.parameters, job.seed),
    learning: {
      recipe: {
        network,
        loss,
        optimizer: optimizer({ learningRate: job.learningRate }),
        trainable: network.parameters.trainable,
      },
      schedule: constantSchedule(),
      ...targets,
    },
  };
}
