/**
 * Plays a recording: a bar that shows how loud it is and is dragged to go elsewhere, the time, the speed. One plays at a time. What browsers
 * record often does not say how long it is: the browser finds out by looking for its end, once, before it plays.
 */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { clockText } from "../media/kinds.ts";
import { useVoiceText } from "../text/voice.ts";
import { IconButton, Notice } from "../ui/controls.tsx";
import "./player.css";
import { Waveform } from "./waveform.tsx";

const speeds = [1, 1.5, 2] as const;
const stepSec = 0.1;

let playing: HTMLAudioElement | undefined;

/**
 * @param sound undefined until it was fetched. @param durationMs as its sender says. @param playAtOnce as soon as it is there.
 * @param inPlaceOfPlay while it is on its way. @param onWanted asks for it.
 */
export function Player({
  sound,
  type,
  durationMs,
  waveform,
  playAtOnce = false,
  inPlaceOfPlay,
  onWanted,
}: {
  readonly sound: Blob | undefined;
  readonly type: string;
  readonly durationMs: number;
  readonly waveform: Uint8Array | undefined;
  readonly playAtOnce?: boolean;
  readonly inPlaceOfPlay?: ReactNode;
  readonly onWanted?: () => void;
}): ReactNode {
  const t = useVoiceText();
  const audio = useRef<HTMLAudioElement | undefined>(undefined);
  const [isPlaying, setPlaying] = useState(false);
  const [atSec, setAtSec] = useState(0);
  const [speed, setSpeed] = useState(0);
  const [knownSec, setKnownSec] = useState<number>();
  const [failed, setFailed] = useState(false);
  const lengthSec = knownSec ?? durationMs / 1000;
  const wantsPlay = useRef(playAtOnce);
  wantsPlay.current = playAtOnce;

  useEffect(() => {
    if (sound === undefined) return undefined;
    const url = URL.createObjectURL(new Blob([sound], { type }));
    const element = new Audio();
    audio.current = element;
    let stopped = false;
    let isMeasured = false;
    const onTime = (): void => {
      if (isMeasured) setAtSec(element.currentTime);
    };
    element.addEventListener("timeupdate", onTime);
    element.addEventListener("pause", () => setPlaying(false));
    element.addEventListener("play", () => setPlaying(true));
    element.addEventListener("ended", () => {
      element.currentTime = 0;
    });
    element.addEventListener("error", () => !stopped && setFailed(true));
    element.src = url;
    const prepare = async (): Promise<void> => {
      const sec = await measured(element);
      if (stopped || sec === undefined) return;
      isMeasured = true;
      if (sec > 0) setKnownSec(sec);
      if (wantsPlay.current) play(element, () => setFailed(true));
    };
    void prepare();
    return () => {
      stopped = true;
      element.pause();
      element.removeAttribute("src");
      audio.current = undefined;
      URL.revokeObjectURL(url);
    };
  }, [sound, type]);

  useEffect(() => {
    if (audio.current !== undefined) audio.current.playbackRate = speeds[speed] ?? 1;
  }, [speed, sound]);

  const toggle = (): void => {
    const element = audio.current;
    if (element === undefined) onWanted?.();
    else if (isPlaying) element.pause();
    else play(element, () => setFailed(true));
  };
  const seek = (sec: number): void => {
    setAtSec(sec);
    if (audio.current !== undefined) audio.current.currentTime = sec;
  };

  if (failed) return <Notice kind="warn">{t.cannotPlay}</Notice>;
  return (
    <div className="player" role="group" aria-label={t.message}>
      {inPlaceOfPlay ?? (
        <IconButton
          className="player__play"
          icon={isPlaying ? "pause" : "play"}
          label={isPlaying ? t.pause : t.play}
          onClick={toggle}
        />
      )}
      <div className="player__bar">
        <Waveform loudness={waveform} part={lengthSec > 0 ? atSec / lengthSec : 0} />
        <input
          type="range"
          aria-label={t.position}
          aria-valuetext={`${clockText(atSec * 1000)} / ${clockText(lengthSec * 1000)}`}
          min={0}
          max={Math.max(lengthSec, stepSec)}
          step={stepSec}
          value={Math.min(atSec, lengthSec)}
          disabled={sound === undefined}
          onInput={(event) => seek(Number((event.currentTarget as HTMLInputElement).value))}
        />
      </div>
      <span className="player__time">{clockText((isPlaying || atSec > 0 ? atSec : lengthSec) * 1000)}</span>
      <button
        type="button"
        className="player__speed"
        aria-label={t.speed(speeds[speed] ?? 1)}
        title={t.speed(speeds[speed] ?? 1)}
        onClick={() => setSpeed((speed + 1) % speeds.length)}
      >
        {speeds[speed]}×
      </button>
    </div>
  );
}

function play(element: HTMLAudioElement, onFailure: () => void): void {
  if (playing !== element) playing?.pause();
  playing = element;
  element.play().catch((cause: unknown) => {
    // Paused before it began, or the browser wants another click: nothing failed.
    if (cause instanceof DOMException && cause.name === "NotSupportedError") onFailure();
  });
}

/** How long a recording is, in seconds; undefined when it cannot be played. */
async function measured(element: HTMLAudioElement): Promise<number | undefined> {
  if (!(await happens(element, "loadedmetadata"))) return undefined;
  if (Number.isFinite(element.duration)) return element.duration;
  element.currentTime = Number.MAX_SAFE_INTEGER;
  await happens(element, "seeked");
  const { duration } = element;
  element.currentTime = 0;
  await happens(element, "seeked");
  return Number.isFinite(duration) ? duration : 0;
}

function happens(element: HTMLAudioElement, event: string): Promise<boolean> {
  return new Promise((resolve) => {
    element.addEventListener(event, () => resolve(true), { once: true });
    element.addEventListener("error", () => resolve(false), { once: true });
  });
}
