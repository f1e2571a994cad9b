/** A picture to send: a sunset over water, painted here so that none has to be kept. */
import { PNG } from "pngjs";

const width = 480;
const height = 320;
const horizon = 190;

type Colour = readonly [number, number, number];

const mix = (from: Colour, to: Colour, share: number): Colour => [
  from[0] + (to[0] - from[0]) * share,
  from[1] + (to[1] - from[1]) * share,
  from[2] + (to[2] - from[2]) * share,
];

/** Paints it. Returns a PNG. */
export function paintSunset(): Uint8Array {
  const png = new PNG({ width, height });
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 4;
      png.data.set(y < horizon ? sky(x, y) : sea(x, y), at);
      png.data[at + 3] = 255;
    }
  }
  return new Uint8Array(PNG.sync.write(png));
}

function sky(x: number, y: number): Colour {
  const air = mix([52, 64, 110], [250, 190, 130], (y / horizon) ** 1.6);
  const far = Math.hypot(x - 300, y - 160);
  return far < 26 ? [255, 236, 190] : mix([255, 214, 150], air, Math.min(1, far / 150));
}

function sea(x: number, y: number): Colour {
  const depth = (y - horizon) / (height - horizon);
  const water = mix([214, 150, 120], [34, 46, 84], depth ** 0.7);
  const ripple = Math.sin(y * 1.1 + Math.sin(x / 23 + y) * 2);
  const glitter = Math.max(0, 1 - Math.abs(x - 300) / (30 + depth * 90)) * (ripple > 0.2 ? 0.6 : 0.1);
  return mix(water, [255, 226, 170], glitter);
}
