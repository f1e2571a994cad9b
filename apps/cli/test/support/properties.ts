/** One seed for all property tests of a run, printed so that a failure can be played again. */
const seed = Number(process.env["SOTTO_SEED"] ?? Date.now() % 2_147_483_647);
console.log(`SOTTO_SEED=${seed}`);

/** Parameters for fc.assert(). */
export const propertyRuns = { seed, numRuns: 300 } as const;
