/** The crypto bench: `npm run bench:crypto`. One process measures everything, system after system in each round. */
import { fileURLToPath } from "node:url";
import { CRYPTO_USAGE, parseCryptoOptions } from "./options.ts";
import { writeCryptoReport } from "./report.ts";
import { runCrypto } from "./run.ts";

const args = process.argv.slice(2);
if (args.includes("--help")) console.log(CRYPTO_USAGE);
else {
  const options = parseCryptoOptions(args, fileURLToPath(new URL("../..", import.meta.url)));
  writeCryptoReport(await runCrypto(options), options.out);
  // CoreCrypto keeps handles that would hold the process.
  process.exit(0);
}
