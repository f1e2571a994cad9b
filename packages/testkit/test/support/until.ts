/** Waits for something to come true. @throws Error when it has not after 900 looks, 45 seconds or more. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 900; i++) {
    if (await holds()) return;
    await new Promise((resolve) => void setTimeout(resolve, 50));
  }
  throw new Error(`${what}: did not happen`);
}
