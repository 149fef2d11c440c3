package dev.windlass.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Reads and scales the deployments of an application.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class DeploymentServiceGrpc {

  private DeploymentServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "windlass.v1.DeploymentService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.GetDeploymentRequest,
      dev.windlass.v1.GetDeploymentResponse> getGetDeploymentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetDeployment",
      requestType = dev.windlass.v1.GetDeploymentRequest.class,
      responseType = dev.windlass.v1.GetDeploymentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.GetDeploymentRequest,
      dev.windlass.v1.GetDeploymentResponse> getGetDeploymentMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.GetDeploymentRequest, dev.windlass.v1.GetDeploymentResponse> getGetDeploymentMethod;
    if ((getGetDeploymentMethod = DeploymentServiceGrpc.getGetDeploymentMethod) == null) {
      synchronized (DeploymentServiceGrpc.class) {
        if ((getGetDeploymentMethod = DeploymentServiceGrpc.getGetDeploymentMethod) == null) {
          DeploymentServiceGrpc.getGetDeploymentMethod = getGetDeploymentMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.GetDeploymentRequest, dev.windlass.v1.GetDeploymentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetDeployment"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.GetDeploymentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.GetDeploymentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DeploymentServiceMethodDescriptorSupplier("GetDeployment"))
              .build();
        }
      }
    }
    return getGetDeploymentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.ListDeploymentsRequest,
      dev.windlass.v1.ListDeploymentsResponse> getListDeploymentsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListDeployments",
      requestType = dev.windlass.v1.ListDeploymentsRequest.class,
      responseType = dev.windlass.v1.ListDeploymentsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.ListDeploymentsRequest,
      dev.windlass.v1.ListDeploymentsResponse> getListDeploymentsMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.ListDeploymentsRequest, dev.windlass.v1.ListDeploymentsResponse> getListDeploymentsMethod;
    if ((getListDeploymentsMethod = DeploymentServiceGrpc.getListDeploymentsMethod) == null) {
      synchronized (DeploymentServiceGrpc.class) {
        if ((getListDeploymentsMethod = DeploymentServiceGrpc.getListDeploymentsMethod) == null) {
          DeploymentServiceGrpc.getListDeploymentsMethod = getListDeploymentsMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.ListDeploymentsRequest, dev.windlass.v1.ListDeploymentsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListDeployments"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ListDeploymentsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ListDeploymentsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DeploymentServiceMethodDescriptorSupplier("ListDeployments"))
              .build();
        }
      }
    }
    return getListDeploymentsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.WatchDeploymentsRequest,
      dev.windlass.v1.WatchDeploymentsResponse> getWatchDeploymentsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchDeployments",
      requestType = dev.windlass.v1.WatchDeploymentsRequest.class,
      responseType = dev.windlass.v1.WatchDeploymentsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.WatchDeploymentsRequest,
      dev.windlass.v1.WatchDeploymentsResponse> getWatchDeploymentsMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.WatchDeploymentsRequest, dev.windlass.v1.WatchDeploymentsResponse> getWatchDeploymentsMethod;
    if ((getWatchDeploymentsMethod = DeploymentServiceGrpc.getWatchDeploymentsMethod) == null) {
      synchronized (DeploymentServiceGrpc.class) {
        if ((getWatchDeploymentsMethod = DeploymentServiceGrpc.getWatchDeploymentsMethod) == null) {
          DeploymentServiceGrpc.getWatchDeploymentsMethod = getWatchDeploymentsMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.WatchDeploymentsRequest, dev.windlass.v1.WatchDeploymentsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchDeployments"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.WatchDeploymentsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.WatchDeploymentsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DeploymentServiceMethodDescriptorSupplier("WatchDeployments"))
              .build();
        }
      }
    }
    return getWatchDeploymentsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.WatchReplicasRequest,
      dev.windlass.v1.WatchReplicasResponse> getWatchReplicasMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchReplicas",
      requestType = dev.windlass.v1.WatchReplicasRequest.class,
      responseType = dev.windlass.v1.WatchReplicasResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.WatchReplicasRequest,
      dev.windlass.v1.WatchReplicasResponse> getWatchReplicasMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.WatchReplicasRequest, dev.windlass.v1.WatchReplicasResponse> getWatchReplicasMethod;
    if ((getWatchReplicasMethod = DeploymentServiceGrpc.getWatchReplicasMethod) == null) {
      synchronized (DeploymentServiceGrpc.class) {
        if ((getWatchReplicasMethod = DeploymentServiceGrpc.getWatchReplicasMethod) == null) {
          DeploymentServiceGrpc.getWatchReplicasMethod = getWatchReplicasMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.WatchReplicasRequest, dev.windlass.v1.WatchReplicasResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchReplicas"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.WatchReplicasRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.WatchReplicasResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DeploymentServiceMethodDescriptorSupplier("WatchReplicas"))
              .build();
        }
      }
    }
    return getWatchReplicasMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.ScaleDeploymentRequest,
      dev.windlass.v1.ScaleDeploymentResponse> getScaleDeploymentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ScaleDeployment",
      requestType = dev.windlass.v1.ScaleDeploymentRequest.class,
      responseType = dev.windlass.v1.ScaleDeploymentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.ScaleDeploymentRequest,
      dev.windlass.v1.ScaleDeploymentResponse> getScaleDeploymentMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.ScaleDeploymentRequest, dev.windlass.v1.ScaleDeploymentResponse> getScaleDeploymentMethod;
    if ((getScaleDeploymentMethod = DeploymentServiceGrpc.getScaleDeploymentMethod) == null) {
      synchronized (DeploymentServiceGrpc.class) {
        if ((getScaleDeploymentMethod = DeploymentServiceGrpc.getScaleDeploymentMethod) == null) {
          DeploymentServiceGrpc.getScaleDeploymentMethod = getScaleDeploymentMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.ScaleDeploymentRequest, dev.windlass.v1.ScaleDeploymentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ScaleDeployment"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ScaleDeploymentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ScaleDeploymentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DeploymentServiceMethodDescriptorSupplier("ScaleDeployment"))
              .build();
        }
      }
    }
    return getScaleDeploymentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.ListScalingDecisionsRequest,
      dev.windlass.v1.ListScalingDecisionsResponse> getListScalingDecisionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListScalingDecisions",
      requestType = dev.windlass.v1.ListScalingDecisionsRequest.class,
      responseType = dev.windlass.v1.ListScalingDecisionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.ListScalingDecisionsRequest,
      dev.windlass.v1.ListScalingDecisionsResponse> getListScalingDecisionsMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.ListScalingDecisionsRequest, dev.windlass.v1.ListScalingDecisionsResponse> getListScalingDecisionsMethod;
    if ((getListScalingDecisionsMethod = DeploymentServiceGrpc.getListScalingDecisionsMethod) == null) {
      synchronized (DeploymentServiceGrpc.class) {
        if ((getListScalingDecisionsMethod = DeploymentServiceGrpc.getListScalingDecisionsMethod) == null) {
          DeploymentServiceGrpc.getListScalingDecisionsMethod = getListScalingDecisionsMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.ListScalingDecisionsRequest, dev.windlass.v1.ListScalingDecisionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListScalingDecisions"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ListScalingDecisionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ListScalingDecisionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DeploymentServiceMethodDescriptorSupplier("ListScalingDecisions"))
              .build();
        }
      }
    }
    return getListScalingDecisionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.WatchScalingDecisionsRequest,
      dev.windlass.v1.WatchScalingDecisionsResponse> getWatchScalingDecisionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchScalingDecisions",
      requestType = dev.windlass.v1.WatchScalingDecisionsRequest.class,
      responseType = dev.windlass.v1.WatchScalingDecisionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.WatchScalingDecisionsRequest,
      dev.windlass.v1.WatchScalingDecisionsResponse> getWatchScalingDecisionsMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.WatchScalingDecisionsRequest, dev.windlass.v1.WatchScalingDecisionsResponse> getWatchScalingDecisionsMethod;
    if ((getWatchScalingDecisionsMethod = DeploymentServiceGrpc.getWatchScalingDecisionsMethod) == null) {
      synchronized (DeploymentServiceGrpc.class) {
        if ((getWatchScalingDecisionsMethod = DeploymentServiceGrpc.getWatchScalingDecisionsMethod) == null) {
          DeploymentServiceGrpc.getWatchScalingDecisionsMethod = getWatchScalingDecisionsMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.WatchScalingDecisionsRequest, dev.windlass.v1.WatchScalingDecisionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchScalingDecisions"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.WatchScalingDecisionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.WatchScalingDecisionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DeploymentServiceMethodDescriptorSupplier("WatchScalingDecisions"))
              .build();
        }
      }
    }
    return getWatchScalingDecisionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.GetRecordedLoadRequest,
      dev.windlass.v1.GetRecordedLoadResponse> getGetRecordedLoadMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetRecordedLoad",
      requestType = dev.windlass.v1.GetRecordedLoadRequest.class,
      responseType = dev.windlass.v1.GetRecordedLoadResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.GetRecordedLoadRequest,
      dev.windlass.v1.GetRecordedLoadResponse> getGetRecordedLoadMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.GetRecordedLoadRequest, dev.windlass.v1.GetRecordedLoadResponse> getGetRecordedLoadMethod;
    if ((getGetRecordedLoadMethod = DeploymentServiceGrpc.getGetRecordedLoadMethod) == null) {
      synchronized (DeploymentServiceGrpc.class) {
        if ((getGetRecordedLoadMethod = DeploymentServiceGrpc.getGetRecordedLoadMethod) == null) {
          DeploymentServiceGrpc.getGetRecordedLoadMethod = getGetRecordedLoadMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.GetRecordedLoadRequest, dev.windlass.v1.GetRecordedLoadResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetRecordedLoad"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.GetRecordedLoadRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.GetRecordedLoadResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DeploymentServiceMethodDescriptorSupplier("GetRecordedLoad"))
              .build();
        }
      }
    }
    return getGetRecordedLoadMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static DeploymentServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DeploymentServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DeploymentServiceStub>() {
        @java.lang.Override
        public DeploymentServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DeploymentServiceStub(channel, callOptions);
        }
      };
    return DeploymentServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static DeploymentServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DeploymentServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DeploymentServiceBlockingV2Stub>() {
        @java.lang.Override
        public DeploymentServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DeploymentServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return DeploymentServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static DeploymentServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DeploymentServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DeploymentServiceBlockingStub>() {
        @java.lang.Override
        public DeploymentServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DeploymentServiceBlockingStub(channel, callOptions);
        }
      };
    return DeploymentServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static DeploymentServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DeploymentServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DeploymentServiceFutureStub>() {
        @java.lang.Override
        public DeploymentServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DeploymentServiceFutureStub(channel, callOptions);
        }
      };
    return DeploymentServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Reads and scales the deployments of an application.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Returns one deployment. NOT_FOUND if it does not exist.
     * </pre>
     */
    default void getDeployment(dev.windlass.v1.GetDeploymentRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.GetDeploymentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetDeploymentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns the deployments of an application, ordered by name.
     * </pre>
     */
    default void listDeployments(dev.windlass.v1.ListDeploymentsRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ListDeploymentsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListDeploymentsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams deployments: first every current one, then each change.
     * </pre>
     */
    default void watchDeployments(dev.windlass.v1.WatchDeploymentsRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.WatchDeploymentsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchDeploymentsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams replicas: first every current one, then `synced`, then each change.
     * </pre>
     */
    default void watchReplicas(dev.windlass.v1.WatchReplicasRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.WatchReplicasResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchReplicasMethod(), responseObserver);
    }

    /**
     * <pre>
     * Sets the desired number of replicas. The external scaling webhook calls
     * this. It returns when the target is stored, not when replicas are up.
     * Fails with INVALID_ARGUMENT where `target_num_replicas` is absent, with
     * NOT_FOUND where the deployment does not exist, with FAILED_PRECONDITION
     * where the application does not have `external_scaler_enabled` or is being
     * deleted, with ABORTED where `etag` or `fence` is stale or another owner
     * holds the lease, and with UNAVAILABLE while the instance ends.
     * </pre>
     */
    default void scaleDeployment(dev.windlass.v1.ScaleDeploymentRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ScaleDeploymentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getScaleDeploymentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns the autoscaler's decisions on a deployment that differ from the one
     * before them, newest first, as far as they are kept. Empty where it is not
     * autoscaled; NOT_FOUND if it does not exist.
     * </pre>
     */
    default void listScalingDecisions(dev.windlass.v1.ListScalingDecisionsRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ListScalingDecisionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListScalingDecisionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams them: first the newest of each deployment in scope, then `synced`,
     * then each one that differs from the one before it, as soon as it is stored:
     * at once where it changes a target, else within a second. None is left out
     * between two that are sent.
     * A watch holds no queue: it reads on from the store's history as the client
     * takes what was sent. So nobody slows the controller down, and nothing is
     * dropped; who falls behind what history still has, or resumes from before
     * it, gets OUT_OF_RANGE (HISTORY_COMPACTED): watch again from 0. UNAVAILABLE
     * when the controller stops: watch again from the last complete revision.
     * </pre>
     */
    default void watchScalingDecisions(dev.windlass.v1.WatchScalingDecisionsRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.WatchScalingDecisionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchScalingDecisionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns how many requests and replicas there were, as far as it is kept:
     * what `windlass simulate --from` tries configs on. NOT_FOUND if the
     * deployment does not exist, or nothing of that time is kept.
     * </pre>
     */
    default void getRecordedLoad(dev.windlass.v1.GetRecordedLoadRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.GetRecordedLoadResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetRecordedLoadMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service DeploymentService.
   * <pre>
   * Reads and scales the deployments of an application.
   * </pre>
   */
  public static abstract class DeploymentServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return DeploymentServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service DeploymentService.
   * <pre>
   * Reads and scales the deployments of an application.
   * </pre>
   */
  public static final class DeploymentServiceStub
      extends io.grpc.stub.AbstractAsyncStub<DeploymentServiceStub> {
    private DeploymentServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DeploymentServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DeploymentServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns one deployment. NOT_FOUND if it does not exist.
     * </pre>
     */
    public void getDeployment(dev.windlass.v1.GetDeploymentRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.GetDeploymentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetDeploymentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns the deployments of an application, ordered by name.
     * </pre>
     */
    public void listDeployments(dev.windlass.v1.ListDeploymentsRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ListDeploymentsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListDeploymentsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams deployments: first every current one, then each change.
     * </pre>
     */
    public void watchDeployments(dev.windlass.v1.WatchDeploymentsRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.WatchDeploymentsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchDeploymentsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams replicas: first every current one, then `synced`, then each change.
     * </pre>
     */
    public void watchReplicas(dev.windlass.v1.WatchReplicasRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.WatchReplicasResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchReplicasMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Sets the desired number of replicas. The external scaling webhook calls
     * this. It returns when the target is stored, not when replicas are up.
     * Fails with INVALID_ARGUMENT where `target_num_replicas` is absent, with
     * NOT_FOUND where the deployment does not exist, with FAILED_PRECONDITION
     * where the application does not have `external_scaler_enabled` or is being
     * deleted, with ABORTED where `etag` or `fence` is stale or another owner
     * holds the lease, and with UNAVAILABLE while the instance ends.
     * </pre>
     */
    public void scaleDeployment(dev.windlass.v1.ScaleDeploymentRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ScaleDeploymentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getScaleDeploymentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns the autoscaler's decisions on a deployment that differ from the one
     * before them, newest first, as far as they are kept. Empty where it is not
     * autoscaled; NOT_FOUND if it does not exist.
     * </pre>
     */
    public void listScalingDecisions(dev.windlass.v1.ListScalingDecisionsRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ListScalingDecisionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListScalingDecisionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams them: first the newest of each deployment in scope, then `synced`,
     * then each one that differs from the one before it, as soon as it is stored:
     * at once where it changes a target, else within a second. None is left out
     * between two that are sent.
     * A watch holds no queue: it reads on from the store's history as the client
     * takes what was sent. So nobody slows the controller down, and nothing is
     * dropped; who falls behind what history still has, or resumes from before
     * it, gets OUT_OF_RANGE (HISTORY_COMPACTED): watch again from 0. UNAVAILABLE
     * when the controller stops: watch again from the last complete revision.
     * </pre>
     */
    public void watchScalingDecisions(dev.windlass.v1.WatchScalingDecisionsRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.WatchScalingDecisionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchScalingDecisionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns how many requests and replicas there were, as far as it is kept:
     * what `windlass simulate --from` tries configs on. NOT_FOUND if the
     * deployment does not exist, or nothing of that time is kept.
     * </pre>
     */
    public void getRecordedLoad(dev.windlass.v1.GetRecordedLoadRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.GetRecordedLoadResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetRecordedLoadMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service DeploymentService.
   * <pre>
   * Reads and scales the deployments of an application.
   * </pre>
   */
  public static final class DeploymentServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<DeploymentServiceBlockingV2Stub> {
    private DeploymentServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DeploymentServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DeploymentServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns one deployment. NOT_FOUND if it does not exist.
     * </pre>
     */
    public dev.windlass.v1.GetDeploymentResponse getDeployment(dev.windlass.v1.GetDeploymentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetDeploymentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the deployments of an application, ordered by name.
     * </pre>
     */
    public dev.windlass.v1.ListDeploymentsResponse listDeployments(dev.windlass.v1.ListDeploymentsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListDeploymentsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams deployments: first every current one, then each change.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, dev.windlass.v1.WatchDeploymentsResponse>
        watchDeployments(dev.windlass.v1.WatchDeploymentsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchDeploymentsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams replicas: first every current one, then `synced`, then each change.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, dev.windlass.v1.WatchReplicasResponse>
        watchReplicas(dev.windlass.v1.WatchReplicasRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchReplicasMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sets the desired number of replicas. The external scaling webhook calls
     * this. It returns when the target is stored, not when replicas are up.
     * Fails with INVALID_ARGUMENT where `target_num_replicas` is absent, with
     * NOT_FOUND where the deployment does not exist, with FAILED_PRECONDITION
     * where the application does not have `external_scaler_enabled` or is being
     * deleted, with ABORTED where `etag` or `fence` is stale or another owner
     * holds the lease, and with UNAVAILABLE while the instance ends.
     * </pre>
     */
    public dev.windlass.v1.ScaleDeploymentResponse scaleDeployment(dev.windlass.v1.ScaleDeploymentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getScaleDeploymentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the autoscaler's decisions on a deployment that differ from the one
     * before them, newest first, as far as they are kept. Empty where it is not
     * autoscaled; NOT_FOUND if it does not exist.
     * </pre>
     */
    public dev.windlass.v1.ListScalingDecisionsResponse listScalingDecisions(dev.windlass.v1.ListScalingDecisionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListScalingDecisionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams them: first the newest of each deployment in scope, then `synced`,
     * then each one that differs from the one before it, as soon as it is stored:
     * at once where it changes a target, else within a second. None is left out
     * between two that are sent.
     * A watch holds no queue: it reads on from the store's history as the client
     * takes what was sent. So nobody slows the controller down, and nothing is
     * dropped; who falls behind what history still has, or resumes from before
     * it, gets OUT_OF_RANGE (HISTORY_COMPACTED): watch again from 0. UNAVAILABLE
     * when the controller stops: watch again from the last complete revision.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, dev.windlass.v1.WatchScalingDecisionsResponse>
        watchScalingDecisions(dev.windlass.v1.WatchScalingDecisionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchScalingDecisionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns how many requests and replicas there were, as far as it is kept:
     * what `windlass simulate --from` tries configs on. NOT_FOUND if the
     * deployment does not exist, or nothing of that time is kept.
     * </pre>
     */
    public dev.windlass.v1.GetRecordedLoadResponse getRecordedLoad(dev.windlass.v1.GetRecordedLoadRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetRecordedLoadMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service DeploymentService.
   * <pre>
   * Reads and scales the deployments of an application.
   * </pre>
   */
  public static final class DeploymentServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<DeploymentServiceBlockingStub> {
    private DeploymentServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DeploymentServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DeploymentServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns one deployment. NOT_FOUND if it does not exist.
     * </pre>
     */
    public dev.windlass.v1.GetDeploymentResponse getDeployment(dev.windlass.v1.GetDeploymentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetDeploymentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the deployments of an application, ordered by name.
     * </pre>
     */
    public dev.windlass.v1.ListDeploymentsResponse listDeployments(dev.windlass.v1.ListDeploymentsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListDeploymentsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams deployments: first every current one, then each change.
     * </pre>
     */
    public java.util.Iterator<dev.windlass.v1.WatchDeploymentsResponse> watchDeployments(
        dev.windlass.v1.WatchDeploymentsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchDeploymentsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams replicas: first every current one, then `synced`, then each change.
     * </pre>
     */
    public java.util.Iterator<dev.windlass.v1.WatchReplicasResponse> watchReplicas(
        dev.windlass.v1.WatchReplicasRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchReplicasMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sets the desired number of replicas. The external scaling webhook calls
     * this. It returns when the target is stored, not when replicas are up.
     * Fails with INVALID_ARGUMENT where `target_num_replicas` is absent, with
     * NOT_FOUND where the deployment does not exist, with FAILED_PRECONDITION
     * where the application does not have `external_scaler_enabled` or is being
     * deleted, with ABORTED where `etag` or `fence` is stale or another owner
     * holds the lease, and with UNAVAILABLE while the instance ends.
     * </pre>
     */
    public dev.windlass.v1.ScaleDeploymentResponse scaleDeployment(dev.windlass.v1.ScaleDeploymentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getScaleDeploymentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the autoscaler's decisions on a deployment that differ from the one
     * before them, newest first, as far as they are kept. Empty where it is not
     * autoscaled; NOT_FOUND if it does not exist.
     * </pre>
     */
    public dev.windlass.v1.ListScalingDecisionsResponse listScalingDecisions(dev.windlass.v1.ListScalingDecisionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListScalingDecisionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams them: first the newest of each deployment in scope, then `synced`,
     * then each one that differs from the one before it, as soon as it is stored:
     * at once where it changes a target, else within a second. None is left out
     * between two that are sent.
     * A watch holds no queue: it reads on from the store's history as the client
     * takes what was sent. So nobody slows the controller down, and nothing is
     * dropped; who falls behind what history still has, or resumes from before
     * it, gets OUT_OF_RANGE (HISTORY_COMPACTED): watch again from 0. UNAVAILABLE
     * when the controller stops: watch again from the last complete revision.
     * </pre>
     */
    public java.util.Iterator<dev.windlass.v1.WatchScalingDecisionsResponse> watchScalingDecisions(
        dev.windlass.v1.WatchScalingDecisionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchScalingDecisionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns how many requests and replicas there were, as far as it is kept:
     * what `windlass simulate --from` tries configs on. NOT_FOUND if the
     * deployment does not exist, or nothing of that time is kept.
     * </pre>
     */
    public dev.windlass.v1.GetRecordedLoadResponse getRecordedLoad(dev.windlass.v1.GetRecordedLoadRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetRecordedLoadMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service DeploymentService.
   * <pre>
   * Reads and scales the deployments of an application.
   * </pre>
   */
  public static final class DeploymentServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<DeploymentServiceFutureStub> {
    private DeploymentServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DeploymentServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DeploymentServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns one deployment. NOT_FOUND if it does not exist.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.GetDeploymentResponse> getDeployment(
        dev.windlass.v1.GetDeploymentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetDeploymentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns the deployments of an application, ordered by name.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.ListDeploymentsResponse> listDeployments(
        dev.windlass.v1.ListDeploymentsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListDeploymentsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Sets the desired number of replicas. The external scaling webhook calls
     * this. It returns when the target is stored, not when replicas are up.
     * Fails with INVALID_ARGUMENT where `target_num_replicas` is absent, with
     * NOT_FOUND where the deployment does not exist, with FAILED_PRECONDITION
     * where the application does not have `external_scaler_enabled` or is being
     * deleted, with ABORTED where `etag` or `fence` is stale or another owner
     * holds the lease, and with UNAVAILABLE while the instance ends.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.ScaleDeploymentResponse> scaleDeployment(
        dev.windlass.v1.ScaleDeploymentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getScaleDeploymentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns the autoscaler's decisions on a deployment that differ from the one
     * before them, newest first, as far as they are kept. Empty where it is not
     * autoscaled; NOT_FOUND if it does not exist.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.ListScalingDecisionsResponse> listScalingDecisions(
        dev.windlass.v1.ListScalingDecisionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListScalingDecisionsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns how many requests and replicas there were, as far as it is kept:
     * what `windlass simulate --from` tries configs on. NOT_FOUND if the
     * deployment does not exist, or nothing of that time is kept.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.GetRecordedLoadResponse> getRecordedLoad(
        dev.windlass.v1.GetRecordedLoadRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetRecordedLoadMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_DEPLOYMENT = 0;
  private static final int METHODID_LIST_DEPLOYMENTS = 1;
  private static final int METHODID_WATCH_DEPLOYMENTS = 2;
  private static final int METHODID_WATCH_REPLICAS = 3;
  private static final int METHODID_SCALE_DEPLOYMENT = 4;
  private static final int METHODID_LIST_SCALING_DECISIONS = 5;
  private static final int METHODID_WATCH_SCALING_DECISIONS = 6;
  private static final int METHODID_GET_RECORDED_LOAD = 7;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_GET_DEPLOYMENT:
          serviceImpl.getDeployment((dev.windlass.v1.GetDeploymentRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.GetDeploymentResponse>) responseObserver);
          break;
        case METHODID_LIST_DEPLOYMENTS:
          serviceImpl.listDeployments((dev.windlass.v1.ListDeploymentsRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.ListDeploymentsResponse>) responseObserver);
          break;
        case METHODID_WATCH_DEPLOYMENTS:
          serviceImpl.watchDeployments((dev.windlass.v1.WatchDeploymentsRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.WatchDeploymentsResponse>) responseObserver);
          break;
        case METHODID_WATCH_REPLICAS:
          serviceImpl.watchReplicas((dev.windlass.v1.WatchReplicasRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.WatchReplicasResponse>) responseObserver);
          break;
        case METHODID_SCALE_DEPLOYMENT:
          serviceImpl.scaleDeployment((dev.windlass.v1.ScaleDeploymentRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.ScaleDeploymentResponse>) responseObserver);
          break;
        case METHODID_LIST_SCALING_DECISIONS:
          serviceImpl.listScalingDecisions((dev.windlass.v1.ListScalingDecisionsRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.ListScalingDecisionsResponse>) responseObserver);
          break;
        case METHODID_WATCH_SCALING_DECISIONS:
          serviceImpl.watchScalingDecisions((dev.windlass.v1.WatchScalingDecisionsRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.WatchScalingDecisionsResponse>) responseObserver);
          break;
        case METHODID_GET_RECORDED_LOAD:
          serviceImpl.getRecordedLoad((dev.windlass.v1.GetRecordedLoadRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.GetRecordedLoadResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getGetDeploymentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.GetDeploymentRequest,
              dev.windlass.v1.GetDeploymentResponse>(
                service, METHODID_GET_DEPLOYMENT)))
        .addMethod(
          getListDeploymentsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.ListDeploymentsRequest,
              dev.windlass.v1.ListDeploymentsResponse>(
                service, METHODID_LIST_DEPLOYMENTS)))
        .addMethod(
          getWatchDeploymentsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              dev.windlass.v1.WatchDeploymentsRequest,
              dev.windlass.v1.WatchDeploymentsResponse>(
                service, METHODID_WATCH_DEPLOYMENTS)))
        .addMethod(
          getWatchReplicasMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              dev.windlass.v1.WatchReplicasRequest,
              dev.windlass.v1.WatchReplicasResponse>(
                service, METHODID_WATCH_REPLICAS)))
        .addMethod(
          getScaleDeploymentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.ScaleDeploymentRequest,
              dev.windlass.v1.ScaleDeploymentResponse>(
                service, METHODID_SCALE_DEPLOYMENT)))
        .addMethod(
          getListScalingDecisionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.ListScalingDecisionsRequest,
              dev.windlass.v1.ListScalingDecisionsResponse>(
                service, METHODID_LIST_SCALING_DECISIONS)))
        .addMethod(
          getWatchScalingDecisionsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              dev.windlass.v1.WatchScalingDecisionsRequest,
              dev.windlass.v1.WatchScalingDecisionsResponse>(
                service, METHODID_WATCH_SCALING_DECISIONS)))
        .addMethod(
          getGetRecordedLoadMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.GetRecordedLoadRequest,
              dev.windlass.v1.GetRecordedLoadResponse>(
                service, METHODID_GET_RECORDED_LOAD)))
        .build();
  }

  private static abstract class DeploymentServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    DeploymentServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return dev.windlass.v1.DeploymentServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("DeploymentService");
    }
  }

  private static final class DeploymentServiceFileDescriptorSupplier
      extends DeploymentServiceBaseDescriptorSupplier {
    DeploymentServiceFileDescriptorSupplier() {}
  }

  private static final class DeploymentServiceMethodDescriptorSupplier
      extends DeploymentServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    DeploymentServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (DeploymentServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new DeploymentServiceFileDescriptorSupplier())
              .addMethod(getGetDeploymentMethod())
              .addMethod(getListDeploymentsMethod())
              .addMethod(getWatchDeploymentsMethod())
              .addMethod(getWatchReplicasMethod())
              .addMethod(getScaleDeploymentMethod())
              .addMethod(getListScalingDecisionsMethod())
              .addMethod(getWatchScalingDecisionsMethod())
              .addMethod(getGetRecordedLoadMethod())
              .build();
        }
      }
    }
    return result;
  }
}
