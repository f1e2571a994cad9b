/** Pictures of the app, drawn as paths of 24 by 24. They say nothing by themselves: the control around them has the name. */
import type { ReactNode } from "react";

const paths = {
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16.500 16.500L21 21",
  compose: "M4 20h4L19 9l-4-4L4 16v4zM13 7l4 4",
  settings:
    "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM4 12h2M18 12h2M12 4v2M12 18v2M6.300 6.300l1.500 1.500M16.200 16.200l1.500 1.500M17.700 6.300l-1.500 1.500M7.800 16.200l-1.500 1.500",
  send: "M4 12l16-8-6 16-3-7-7-1z",
  more: "M12 5h.01M12 12h.01M12 19h.01",
  shield: "M12 3l8 3v6c0 5-3.500 8-8 9-4.500-1-8-4-8-9V6l8-3zM8.500 12l2.500 2.500 4.500-5",
  warning: "M12 4l9 16H3l9-16zM12 10v4M12 17h.01",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4l3 2",
  check: "M5 13l4 4L19 7",
  checks: "M2 13l4 4L16 7M11 16l1 1L22 7",
  group:
    "M9 6a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM3 19c0-3 3-5 6-5s6 2 6 5M16 7a3 3 0 0 1 0 5M18 14c2 .500 3 2.500 3 5",
  down: "M6 9l6 6 6-6",
  attach:
    "M20 11l-8.500 8.500a5 5 0 0 1-7-7L13 4a3.500 3.500 0 0 1 5 5l-8.500 8.500a1.800 1.800 0 0 1-2.600-2.600L15 7",
  mic: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5 11a7 7 0 0 0 14 0M12 18v3",
  play: "M8 5l11 7-11 7z",
  pause: "M8 5v14M16 5v14",
  stop: "M7 7h10v10H7z",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 4M15 9h.01",
  next: "M9 5l7 7-7 7",
  emoji: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8.500 10h.01M15.500 10h.01M8 14c1 2 2.500 3 4 3s3-1 4-3",
  reply: "M10 6l-6 6 6 6M4 12h9a7 7 0 0 1 7 7",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  pin: "M9 4h6l-1 6 3 3H7l3-3-1-6zM12 13v7",
  bell: "M6 17h12l-1.500-3v-4a4.500 4.500 0 0 0-9 0v4L6 17zM10.500 20a1.800 1.800 0 0 0 3 0",
  mute: "M5 9v6h4l5 4V5L9 9H5zM18 9l4 6M22 9l-4 6",
  archive: "M4 5h16v4H4zM6 9v10h12V9M10 13h4",
  devices: "M3 5h13v10H3zM2 19h11M17 9h5v11h-5z",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
  person: "M12 5a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c0-4 4-6 8-6s8 2 8 6",
  add: "M12 5v14M5 12h14",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v6M12 7.500h.01",
  forward: "M14 6l6 6-6 6M20 12h-9a7 7 0 0 0-7 7",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  qr: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2h-2zM18 18h2v2h-2zM18 14h2M14 18v2",
  show: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7-10-7-10-7zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  hide: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7-10-7-10-7zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM4 20L20 4",
  key: "M8 9a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM11.500 10.500L20 2M16 6l3 3",
  print: "M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z",
  globe: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c-5 6-5 12 0 18M12 3c5 6 5 12 0 18",
  finger:
    "M12 11v3c0 2 .500 4 1.500 6M8.500 20c-.700-2-1-4-1-6v-3a4.500 4.500 0 0 1 9 0v2c0 2 .300 3.500 1 5M4.500 17c-.500-2-.700-4-.500-6a8 8 0 0 1 16 0v2",
  keyboard: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M8 14h8",
  theme: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  server: "M4 4h16v6H4zM4 14h16v6H4zM8 7h.01M8 17h.01",
  camera: "M4 8h4l2-3h4l2 3h4v11H4zM12 10a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7z",
} as const;

/** A picture's name. */
export type IconName = keyof typeof paths;

/** One picture. */
export function Icon({
  name,
  className = "",
}: {
  readonly name: IconName;
  readonly className?: string;
}): ReactNode {
  return (
    <svg className={`icon ${className}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
