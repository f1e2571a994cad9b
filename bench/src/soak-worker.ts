/** Plays the seeds that it is sent, one after another, and sends back what each came to. Its argument: how long a failure may be made shorter, in ms. */
import { run } from "@sotto/testkit/soak";

const shrinkMs = Number(process.argv[2]);
process.on("message", async (seed: number) => process.send?.(await run(seed, shrinkMs)));
