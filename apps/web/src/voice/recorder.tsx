/** Takes the place of the composer while a voice message is recorded, and heard once more before it is sent. */
import { LIMITS } from "@sotto/protocol";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { clockText } from "../media/kinds.ts";
import { useVoiceText } from "../text/voice.ts";
import { Button, IconButton, Notice } from "../ui/controls.tsx";
import { Player } from "./player.tsx";
import "./recorder.css";
import { record, type Recorder as Running, type Recording } from "./recording.ts";
import { condensed } from "./waveform.tsx";

/** What is sent. */
interface RecordedVoice {
  readonly file: Blob;
  readonly name: string;
  readonly type: string;
  readonly voice: true;
  readonly durationMs: number;
  readonly waveform: Uint8Array;
}

const shownLevels = 48;
const extensions: Readonly<Record<string, string>> = {
  "audio/webm": "webm",
  "audio/ogg": "ogg",
  "audio/mp4": "m4a",
};

/** @param onSend gets what was recorded. @param onClose the composer comes back. */
function Recorder({
  onSend,
  onClose,
}: {
  readonly onSend: (voice: RecordedVoice) => void;
  readonly onClose: () => void;
}): ReactNode {
  const t = useVoiceText();
  const running = useRef<Running | undefined>(undefined);
  const [levels, setLevels] = useState<readonly number[]>([]);
  const [elapsedMs, setElapsedMs] = useState(0);
  const [problem, setProblem] = useState<string>();
  const [recording, setRecording] = useState<Recording>();
  const first = useRef<HTMLDivElement>(null);

  const stop = async (): Promise<Recording | undefined> => {
    const current = running.current;
    running.current = undefined;
    try {
      const ended = await current?.stop();
      if (ended !== undefined) setRecording(ended);
      return ended;
    } catch {
      setProblem(t.nothing);
      return undefined;
    }
  };
  const stopNow = useRef(stop);
  stopNow.current = stop;

  useEffect(() => {
    let left = false;
    const onLevel = (level: number, ms: number): void => {
      setElapsedMs(ms);
      setLevels((before) => [...before, level].slice(-shownLevels));
    };
    const begin = async (): Promise<void> => {
      try {
        const begun = await record(onLevel, () => void stopNow.current());
        if (left) begun.cancel();
        else running.current = begun;
      } catch (cause) {
        if (!left) setProblem(problemOf(cause, t));
      }
    };
    void begin();
    return () => {
      left = true;
      running.current?.cancel();
    };
    // The language changing does not begin it anew.
  }, []);
  useEffect(() => {
    first.current?.querySelector<HTMLElement>("button")?.focus();
  }, [recording]);

  const send = async (): Promise<void> => {
    const ended = recording ?? (await stop());
    if (ended !== undefined) onSend(voiceOf(ended));
  };

  if (problem !== undefined) {
    return (
      <Notice kind="warn" live>
        <p>{problem}</p>
        <div className="notice__actions">
          <Button onClick={onClose}>{t.back}</Button>
        </div>
      </Notice>
    );
  }
  return (
    <div
      className="recorder"
      role="group"
      aria-label={t.message}
      ref={first}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onClose();
      }}
    >
      {recording === undefined ? (
        <>
          <IconButton icon="stop" className="recorder__stop" label={t.stop} onClick={() => void stop()} />
          <Meter levels={levels} />
          <span className="recorder__time" role="timer" aria-label={t.recording}>
            {clockText(elapsedMs)}
          </span>
        </>
      ) : (
        <Player
          sound={recording.sound}
          type={recording.type}
          durationMs={recording.durationMs}
          waveform={condensed(recording.levels, LIMITS.maxWaveformBytes)}
        />
      )}
      <IconButton icon="trash" label={t.discard} onClick={onClose} />
      <IconButton icon="send" className="composer__send" label={t.send} onClick={() => void send()} />
    </div>
  );
}

function Meter({ levels }: { readonly levels: readonly number[] }): ReactNode {
  return (
    <svg
      className="meter"
      viewBox={`0 0 ${shownLevels * 4} 28`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {levels.map((level, i) => {
        const height = 2 + level * 26;
        // A bar is a moment, which moves with the rest.
        // oxlint-disable-next-line react/no-array-index-key
        return <rect key={i} x={i * 4 + 1} y={(28 - height) / 2} width={2} height={height} rx={1} />;
      })}
    </svg>
  );
}

const voiceOf = ({ sound, type, durationMs, levels }: Recording): RecordedVoice => ({
  file: sound,
  name: `voice.${extensions[type] ?? "audio"}`,
  type,
  voice: true,
  durationMs,
  waveform: condensed(levels, LIMITS.maxWaveformBytes),
});

function problemOf(cause: unknown, t: ReturnType<typeof useVoiceText>): string {
  const name = cause instanceof DOMException ? cause.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return t.denied;
  if (name === "NotFoundError" || name === "OverconstrainedError") return t.noMicrophone;
  return t.microphoneBusy;
}

export default Recorder;
