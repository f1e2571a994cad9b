/** The camera, looking for a QR code: by the browser's own detector where it has one, by jsQR elsewhere. Nothing it sees leaves the page. */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTrustText } from "../text/trust.ts";
import { Button, Notice } from "../ui/controls.tsx";
import "./scanner.css";

type Find = (video: HTMLVideoElement) => Promise<string | undefined>;

interface Detector {
  detect(source: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>;
}
interface DetectorClass {
  new (options: { readonly formats: readonly string[] }): Detector;
  getSupportedFormats(): Promise<readonly string[]>;
}

const lookEveryMs = 150;
/** Enough for a code that fills half of the picture, and quick to search. */
const widthPx = 640;

async function finder(): Promise<Find> {
  const { BarcodeDetector } = globalThis as { readonly BarcodeDetector?: DetectorClass };
  const own = await BarcodeDetector?.getSupportedFormats().catch((): string[] => []);
  if (BarcodeDetector !== undefined && own?.includes("qr_code") === true) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (video) => (await detector.detect(video))[0]?.rawValue;
  }
  const { default: jsQr } = (await import("jsqr")).default;
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    const height = Math.round((video.videoHeight / video.videoWidth) * widthPx);
    if (context === null || !(height > 0)) return undefined;
    canvas.width = widthPx;
    canvas.height = height;
    context.drawImage(video, 0, 0, widthPx, height);
    const { data } = context.getImageData(0, 0, widthPx, height);
    return jsQr(data, widthPx, height)?.data;
  };
}

/** @param otherwise what to do without a camera. @param onText called with what each picture says, until it is taken away. */
function Scanner({
  otherwise,
  onText,
  onStop,
}: {
  readonly otherwise: string;
  readonly onText: (text: string) => void;
  readonly onStop: () => void;
}): ReactNode {
  const s = useTrustText();
  const video = useRef<HTMLVideoElement>(null);
  const told = useRef(onText);
  told.current = onText;
  const [failed, setFailed] = useState(false);

  useEffect(() => {
    const stopped = new AbortController();
    let stream: MediaStream | undefined;
    const watch = async (): Promise<void> => {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      const shown = video.current;
      if (stopped.signal.aborted || shown === null) return;
      shown.srcObject = stream;
      await shown.play();
      const find = await finder();
      while (!stopped.signal.aborted) {
        const text = shown.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? await find(shown) : undefined;
        if (text !== undefined && text !== "" && !stopped.signal.aborted) told.current(text);
        await new Promise((later) => setTimeout(later, lookEveryMs));
      }
    };
    watch()
      .catch(() => setFailed(!stopped.signal.aborted))
      .finally(() => stop());
    const stop = (): void => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    return () => {
      stopped.abort();
      stop();
    };
  }, []);

  if (failed) {
    return (
      <Notice kind="warn" live>
        {s.scanNo} {otherwise}
      </Notice>
    );
  }
  return (
    <>
      <p>{s.scanTitle}</p>
      <div className="scanner">
        <video ref={video} muted playsInline aria-label={s.scanTitle} />
      </div>
      <Button kind="quiet" onClick={onStop}>
        {s.scanStop}
      </Button>
    </>
  );
}

export default Scanner;
