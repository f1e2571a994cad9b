/** Records a voice: the microphone, how loud it is while it records, and what came of it. */

/** A recording that ended. */
export interface Recording {
  readonly sound: Blob;
  /** Without parameters, such as `audio/webm`. */
  readonly type: string;
  readonly durationMs: number;
  /** How loud it was, 0 to 1, ten times a second. */
  readonly levels: readonly number[];
}

/** One under way. */
export interface Recorder {
  /** Ends it. Rejects when nothing was recorded. */
  stop(): Promise<Recording>;
  /** Throws away what was recorded. */
  cancel(): void;
}

/** Half an hour at most: such a recording stays small enough to be kept in the vault until it was sent. */
const mostMs = 30 * 60_000;

const bitsPerSecond = 32_000;
const levelEveryMs = 100;
const types = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];

/**
 * Asks for the microphone and begins. `onLevel` is told how loud it is, 0 to 1, and for how long it has recorded; `onEnd` when it ends by
 * itself: the time is over, or the microphone is gone.
 * @throws DOMException `NotAllowedError`, `NotFoundError` …, as getUserMedia().
 */
export async function record(
  onLevel: (level: number, elapsedMs: number) => void,
  onEnd: () => void,
): Promise<Recorder> {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: true, noiseSuppression: true, channelCount: 1 },
  });
  const mimeType = types.find((type) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(stream, {
    audioBitsPerSecond: bitsPerSecond,
    ...(mimeType !== undefined && { mimeType }),
  });
  const parts: Blob[] = [];
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  const stopped = new Promise<void>((resolve) => recorder.addEventListener("stop", () => resolve()));
  const meter = meterOf(stream);
  const levels: number[] = [];
  const beganAtMs = performance.now();
  let endedAtMs: number | undefined;
  const listening = setInterval(() => {
    const level = meter.level();
    levels.push(level);
    const elapsedMs = performance.now() - beganAtMs;
    onLevel(level, elapsedMs);
    if (elapsedMs >= mostMs) onEnd();
  }, levelEveryMs);
  const end = (): void => {
    endedAtMs ??= performance.now();
    clearInterval(listening);
    if (recorder.state !== "inactive") recorder.stop();
    for (const track of stream.getTracks()) track.stop();
    meter.close();
  };
  stream.getAudioTracks()[0]?.addEventListener("ended", onEnd);
  recorder.start(1_000);
  return {
    async stop() {
      end();
      await stopped;
      const type = (recorder.mimeType.split(";")[0] ?? "").trim();
      const sound = new Blob(parts, { type });
      if (sound.size === 0) throw new Error("nothing was recorded");
      return { sound, type, durationMs: (endedAtMs ?? beganAtMs) - beganAtMs, levels };
    },
    cancel: end,
  };
}

/** How loud a stream is now, 0 to 1. */
function meterOf(stream: MediaStream): { level(): number; close(): void } {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 2_048;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    level() {
      analyser.getFloatTimeDomainData(samples);
      const sum = samples.reduce((all, sample) => all + sample * sample, 0);
      // Loudness is heard by its logarithm; a square root is near enough for a bar.
      return Math.min(1, 1.6 * Math.sqrt(Math.sqrt(sum / samples.length)));
    },
    close: () => void context.close(),
  };
}
