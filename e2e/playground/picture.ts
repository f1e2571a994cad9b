/** A picture to send: a sunset over water, painted here so that none has to be kept. */
import { PNG } from "pngjs";
import { rgbaToThumbHash } from "thumbhash";

const width = 480;
const height = 320;
/** A ThumbHash is made of at most 100 by 100 pixels. */
const shrink = 8;
const horizon = 190;

type Colour = readonly [number, number, number];

const mix = (from: Colour, to: Colour, share: number): Colour => [
  from[0] + (to[0] - from[0]) * share,
  from[1] + (to[1] - from[1]) * share,
  from[2] + (to[2] - from[2]) * share,
];

/** A painted picture. */
export interface Painted {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** A ThumbHash. */
  readonly preview: Uint8Array;
}

/** Paints it. */
export function paintSunset(): Painted {
  const png = new PNG({ width, height });
  png.data.set(paint(1));
  const small = paint(shrink);
  return {
    png: new Uint8Array(PNG.sync.write(png)),
    width,
    height,
    preview: rgbaToThumbHash(width / shrink, height / shrink, small),
  };
}

/** RGBA of one pixel in so many. */
function paint(every: number): Uint8Array {
  const colours: number[] = [];
  for (let y = 0; y < height; y += every) {
    for (let x = 0; x < width; x += every) colours.push(...(y < horizon ? sky(x, y) : sea(x, y)), 255);
  }
  return Uint8Array.from(colours);
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
