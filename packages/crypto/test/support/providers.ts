/** Both providers, for tests that must hold on each. */
import type { CryptoProvider } from "../../src/provider.ts";
import { nodeProvider } from "../../src/providers/node.ts";
import { webProvider } from "../../src/providers/web.ts";

export const providers: readonly CryptoProvider[] = [nodeProvider(), webProvider()];

/** Every pair of who makes and who reads, the same one twice included. */
export const pairs: readonly { readonly by: CryptoProvider; readonly at: CryptoProvider }[] =
  providers.flatMap((by) => providers.map((at) => ({ by, at })));
