/** A visitor's browser, linked to somebody's account as one would link it by hand. */
import type { BrowserContext, Page } from "playwright-core";
import { choosePassphrase } from "../web/support/app.ts";
import type { Person } from "./people.ts";

/** Links the app in a browser to a person's account, and opens it. @param appUrl with the server's fingerprint. */
export async function linkTo(context: BrowserContext, appUrl: string, { messenger }: Person): Promise<Page> {
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(appUrl);
  await page.getByRole("button", { name: "Link to an existing device" }).click();
  await choosePassphrase(page);
  const shown = page.getByRole("group", { name: "Link code" });
  await shown.waitFor({ timeout: 30_000 });
  await messenger.approveLink(await shown.innerText());
  await page.getByText("The history is here.").waitFor({ timeout: 180_000 });
  await page.getByRole("button", { name: "Open Sotto" }).click();
  await page.getByRole("navigation").waitFor();
  return page;
}
