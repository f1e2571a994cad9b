/** As much of a service worker's world (W3C Service Workers) as ours uses: TypeScript knows either pages or workers. */

/** An event that the browser keeps the worker alive for. */
interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
/** A request of a page. */
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
/** A message of a page. */
interface MessageOfPage extends ExtendableEvent {
  readonly data: unknown;
}
/** A tab. */
export interface WindowClient {
  readonly visibilityState: DocumentVisibilityState;
  readonly focused: boolean;
  focus(): Promise<WindowClient>;
  postMessage(message: unknown, transfer: readonly Transferable[]): void;
}

/** A notification was clicked. */
interface NotificationEvent extends ExtendableEvent {
  readonly notification: Notification;
}

interface Events {
  readonly install: ExtendableEvent;
  readonly activate: ExtendableEvent;
  readonly fetch: FetchEvent;
  readonly message: MessageOfPage;
  readonly notificationclick: NotificationEvent;
  readonly push: ExtendableEvent;
}

/** What the worker finds as `self`. */
export interface ServiceWorkerScope {
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: {
      readonly type: "window";
      readonly includeUncontrolled?: boolean;
    }): Promise<readonly WindowClient[]>;
    openWindow(url: string): Promise<WindowClient | null>;
  };
  readonly registration: ServiceWorkerRegistration;
  skipWaiting(): Promise<void>;
  addEventListener<Type extends keyof Events>(type: Type, listener: (event: Events[Type]) => void): void;
}
