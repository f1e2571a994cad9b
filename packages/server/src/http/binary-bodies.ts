/**
 * Bodies in protobuf's binary form. They are bounded and checked before Connect sees them: by itself it would call a body that
 * cannot be read a failure of the server.
 */
import { LIMITS, RegistrationService, decode } from "@sotto/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { connectError } from "./registration-service.ts";

const inputs = new Map(
  RegistrationService.methods.map((method) => [
    `/${RegistrationService.typeName}/${method.name}`,
    method.input,
  ]),
);

/** Refuses bodies that cannot be read as `malformed`. @param failed told of what is no refusal. */
export function addBinaryBodies(app: FastifyInstance, failed: (error: unknown) => void): void {
  app.addContentTypeParser(
    "application/proto",
    { parseAs: "buffer" },
    async (request: FastifyRequest, body: Buffer) => {
      const input = inputs.get(request.routeOptions.url ?? "");
      try {
        if (input !== undefined) decode(input, body, LIMITS.maxRequestBytes);
      } catch (error) {
        throw connectError(error, failed);
      }
      return body;
    },
  );
}
