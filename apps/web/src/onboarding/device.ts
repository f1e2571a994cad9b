/** What this browser calls itself to the owner's other devices: its own words, from what it says of itself. */

interface Brands {
  readonly brands?: readonly { readonly brand: string }[];
  readonly platform?: string;
}

const { userAgentData } = navigator as { readonly userAgentData?: Brands };
const agent = navigator.userAgent;

const browsers: readonly (readonly [string, RegExp])[] = [
  ["Edge", /Edg\//],
  ["Opera", /OPR\//],
  ["Samsung Internet", /SamsungBrowser/],
  ["Firefox", /Firefox|FxiOS/],
  ["Chrome", /Chrome\/|CriOS/],
  ["Safari", /Safari/],
];
const systems: readonly (readonly [string, RegExp])[] = [
  ["Android", /Android/],
  ["iPhone", /iPhone/],
  ["iPad", /iPad/],
  ["Windows", /Windows/],
  ["macOS", /Mac OS/],
  ["ChromeOS", /CrOS/],
  ["Linux", /Linux/],
];
const first = (names: readonly (readonly [string, RegExp])[]): string | undefined =>
  names.find(([, form]) => form.test(agent))?.[0];

// Beside its own name a Chromium lists made-up ones, such as "Not/A)Brand".
const brand = userAgentData?.brands
  ?.map(({ brand: name }) => name)
  .filter((name) => !/not.?a.?brand/i.test(name.replaceAll(/[^a-z]/gi, "")))
  .toSorted((a, b) => Number(a === "Chromium") - Number(b === "Chromium"))[0];
const browser = brand ?? first(browsers) ?? "Browser";
const system = userAgentData?.platform || first(systems);

/** Such as "Firefox on Linux". */
export const DEVICE_NAME = system === undefined ? browser : `${browser}, ${system}`;
/** What runs here. */
export const PLATFORM = `Sotto in ${DEVICE_NAME}`;
