// Checked by tsc alone: every line under "@ts-expect-error" must be an error, every other line must not.
import {
  callUnary,
  DeploymentService,
  type GrpcImplementation,
  grpc,
  grpcServiceDefinition,
  InstanceService,
  makeGrpcClient,
} from "../../src/grpc/index.ts";

const instance = makeGrpcClient(InstanceService, "127.0.0.1:8265", grpc.credentials.createInsecure());
const deployments = makeGrpcClient(DeploymentService, "127.0.0.1:8265");

export async function calls(): Promise<void> {
  instance.getInstance({}, (error, answer) => {
    const revision: bigint | undefined = answer?.revision;
    const code: grpc.status | undefined = error?.code;
    // @ts-expect-error a revision is a bigint
    const wrong: number | undefined = answer?.revision;
    void [revision, code, wrong];
  });
  instance.getInstance({}, new grpc.Metadata(), { deadline: 1 }, () => {});
  // @ts-expect-error a unary call needs a callback
  instance.getInstance({});
  // @ts-expect-error no such method
  void instance.getInstances;
  // @ts-expect-error a method of another service
  void instance.getDeployment;
  // @ts-expect-error no such field
  deployments.getDeployment({ nam: "x" }, () => {});

  const { revision } = await callUnary(instance, "getInstance", {});
  const exact: bigint = revision;
  // @ts-expect-error not a number
  const notExact: number = revision;
  const { deployment } = await callUnary(deployments, "getDeployment", { name: "x" }, { deadline: 3 });
  const name: string | undefined = deployment?.name;
  // @ts-expect-error a stream is no unary call
  void callUnary(instance, "watchInstance", {});
  // @ts-expect-error no such field
  void callUnary(deployments, "getDeployment", { nam: "x" });
  void [exact, notExact, name];

  const stream = instance.watchInstance({ startRevision: 3n }, new grpc.Metadata());
  for await (const message of stream) {
    if (message.event.case === "deleted") {
      const deleted: string = message.event.value;
      void deleted;
    }
    // @ts-expect-error no such event
    if (message.event.case === "removed") stream.cancel();
  }
  // @ts-expect-error a revision is a bigint
  instance.watchInstance({ startRevision: 3 });
}

type Instance = GrpcImplementation<typeof InstanceService>;
const getInstance: Instance["getInstance"] = (call, done) => {
  void call.request.$typeName;
  done(null, { revision: 1n });
  // @ts-expect-error a revision is a bigint
  done(null, { revision: 1 });
};
const watchInstance: Instance["watchInstance"] = (call) => {
  const from: bigint = call.request.startRevision;
  call.write({ revision: from, event: { case: "synced", value: true } });
  // @ts-expect-error no such event
  call.write({ event: { case: "done", value: true } });
};
new grpc.Server().addService(grpcServiceDefinition(InstanceService), { getInstance, watchInstance });
// @ts-expect-error no such handler
export const handlers: Partial<Instance> = { getInstances: getInstance };
