/** Subresource integrity (W3C SRI): the page names the hash of each script and style that it loads. */
import { createHash } from "node:crypto";

/** The page with an `integrity` attribute at each script, module preload and style of the app. */
export function withIntegrity(html: string, read: (path: string) => Uint8Array): string {
  return html.replaceAll(
    /<(?:script|link)\b[^>]*?(?:src|href)="(\/assets\/[^"]+)"[^>]*?>/g,
    (tag, path: string) => {
      const hash = createHash("sha384").update(read(path)).digest("base64");
      return tag.replace(/\/?>$/, ` integrity="sha384-${hash}">`);
    },
  );
}
