package dev.windlass.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Reads, configures, watches and ends the instance as a whole.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class InstanceServiceGrpc {

  private InstanceServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "windlass.v1.InstanceService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.GetInstanceRequest,
      dev.windlass.v1.GetInstanceResponse> getGetInstanceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetInstance",
      requestType = dev.windlass.v1.GetInstanceRequest.class,
      responseType = dev.windlass.v1.GetInstanceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.GetInstanceRequest,
      dev.windlass.v1.GetInstanceResponse> getGetInstanceMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.GetInstanceRequest, dev.windlass.v1.GetInstanceResponse> getGetInstanceMethod;
    if ((getGetInstanceMethod = InstanceServiceGrpc.getGetInstanceMethod) == null) {
      synchronized (InstanceServiceGrpc.class) {
        if ((getGetInstanceMethod = InstanceServiceGrpc.getGetInstanceMethod) == null) {
          InstanceServiceGrpc.getGetInstanceMethod = getGetInstanceMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.GetInstanceRequest, dev.windlass.v1.GetInstanceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetInstance"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.GetInstanceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.GetInstanceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new InstanceServiceMethodDescriptorSupplier("GetInstance"))
              .build();
        }
      }
    }
    return getGetInstanceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.ApplyConfigRequest,
      dev.windlass.v1.ApplyConfigResponse> getApplyConfigMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ApplyConfig",
      requestType = dev.windlass.v1.ApplyConfigRequest.class,
      responseType = dev.windlass.v1.ApplyConfigResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.ApplyConfigRequest,
      dev.windlass.v1.ApplyConfigResponse> getApplyConfigMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.ApplyConfigRequest, dev.windlass.v1.ApplyConfigResponse> getApplyConfigMethod;
    if ((getApplyConfigMethod = InstanceServiceGrpc.getApplyConfigMethod) == null) {
      synchronized (InstanceServiceGrpc.class) {
        if ((getApplyConfigMethod = InstanceServiceGrpc.getApplyConfigMethod) == null) {
          InstanceServiceGrpc.getApplyConfigMethod = getApplyConfigMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.ApplyConfigRequest, dev.windlass.v1.ApplyConfigResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ApplyConfig"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ApplyConfigRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ApplyConfigResponse.getDefaultInstance()))
              .setSchemaDescriptor(new InstanceServiceMethodDescriptorSupplier("ApplyConfig"))
              .build();
        }
      }
    }
    return getApplyConfigMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.PlanConfigRequest,
      dev.windlass.v1.PlanConfigResponse> getPlanConfigMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "PlanConfig",
      requestType = dev.windlass.v1.PlanConfigRequest.class,
      responseType = dev.windlass.v1.PlanConfigResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.PlanConfigRequest,
      dev.windlass.v1.PlanConfigResponse> getPlanConfigMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.PlanConfigRequest, dev.windlass.v1.PlanConfigResponse> getPlanConfigMethod;
    if ((getPlanConfigMethod = InstanceServiceGrpc.getPlanConfigMethod) == null) {
      synchronized (InstanceServiceGrpc.class) {
        if ((getPlanConfigMethod = InstanceServiceGrpc.getPlanConfigMethod) == null) {
          InstanceServiceGrpc.getPlanConfigMethod = getPlanConfigMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.PlanConfigRequest, dev.windlass.v1.PlanConfigResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "PlanConfig"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.PlanConfigRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.PlanConfigResponse.getDefaultInstance()))
              .setSchemaDescriptor(new InstanceServiceMethodDescriptorSupplier("PlanConfig"))
              .build();
        }
      }
    }
    return getPlanConfigMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.ShutdownInstanceRequest,
      dev.windlass.v1.ShutdownInstanceResponse> getShutdownInstanceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ShutdownInstance",
      requestType = dev.windlass.v1.ShutdownInstanceRequest.class,
      responseType = dev.windlass.v1.ShutdownInstanceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.ShutdownInstanceRequest,
      dev.windlass.v1.ShutdownInstanceResponse> getShutdownInstanceMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.ShutdownInstanceRequest, dev.windlass.v1.ShutdownInstanceResponse> getShutdownInstanceMethod;
    if ((getShutdownInstanceMethod = InstanceServiceGrpc.getShutdownInstanceMethod) == null) {
      synchronized (InstanceServiceGrpc.class) {
        if ((getShutdownInstanceMethod = InstanceServiceGrpc.getShutdownInstanceMethod) == null) {
          InstanceServiceGrpc.getShutdownInstanceMethod = getShutdownInstanceMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.ShutdownInstanceRequest, dev.windlass.v1.ShutdownInstanceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ShutdownInstance"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ShutdownInstanceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ShutdownInstanceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new InstanceServiceMethodDescriptorSupplier("ShutdownInstance"))
              .build();
        }
      }
    }
    return getShutdownInstanceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.WatchInstanceRequest,
      dev.windlass.v1.WatchInstanceResponse> getWatchInstanceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchInstance",
      requestType = dev.windlass.v1.WatchInstanceRequest.class,
      responseType = dev.windlass.v1.WatchInstanceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.WatchInstanceRequest,
      dev.windlass.v1.WatchInstanceResponse> getWatchInstanceMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.WatchInstanceRequest, dev.windlass.v1.WatchInstanceResponse> getWatchInstanceMethod;
    if ((getWatchInstanceMethod = InstanceServiceGrpc.getWatchInstanceMethod) == null) {
      synchronized (InstanceServiceGrpc.class) {
        if ((getWatchInstanceMethod = InstanceServiceGrpc.getWatchInstanceMethod) == null) {
          InstanceServiceGrpc.getWatchInstanceMethod = getWatchInstanceMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.WatchInstanceRequest, dev.windlass.v1.WatchInstanceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchInstance"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.WatchInstanceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.WatchInstanceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new InstanceServiceMethodDescriptorSupplier("WatchInstance"))
              .build();
        }
      }
    }
    return getWatchInstanceMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static InstanceServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<InstanceServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<InstanceServiceStub>() {
        @java.lang.Override
        public InstanceServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new InstanceServiceStub(channel, callOptions);
        }
      };
    return InstanceServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static InstanceServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<InstanceServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<InstanceServiceBlockingV2Stub>() {
        @java.lang.Override
        public InstanceServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new InstanceServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return InstanceServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static InstanceServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<InstanceServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<InstanceServiceBlockingStub>() {
        @java.lang.Override
        public InstanceServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new InstanceServiceBlockingStub(channel, callOptions);
        }
      };
    return InstanceServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static InstanceServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<InstanceServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<InstanceServiceFutureStub>() {
        @java.lang.Override
        public InstanceServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new InstanceServiceFutureStub(channel, callOptions);
        }
      };
    return InstanceServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Reads, configures, watches and ends the instance as a whole.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Returns the instance with all that is in it. Never fails for want of an
     * instance: its state is then ABSENT.
     * </pre>
     */
    default void getInstance(dev.windlass.v1.GetInstanceRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.GetInstanceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetInstanceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Replaces the whole desired state, as PUT /api/serve/applications/ does:
     * declarative applications that are not listed are deleted. Returns when the
     * config is stored, not when replicas are up.
     * Fails with INVALID_ARGUMENT and one field violation for each problem, with
     * UNAVAILABLE while the instance ends.
     * </pre>
     */
    default void applyConfig(dev.windlass.v1.ApplyConfigRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ApplyConfigResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getApplyConfigMethod(), responseObserver);
    }

    /**
     * <pre>
     * Says what ApplyConfig with the same config would do, and does nothing. The
     * sources are built, so that edited ones count. Its token makes the apply
     * exact: it is done as planned, with the code built then, or refused.
     * Fails as ApplyConfig does; an application that cannot be built is an error
     * in the plan.
     * </pre>
     */
    default void planConfig(dev.windlass.v1.PlanConfigRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.PlanConfigResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPlanConfigMethod(), responseObserver);
    }

    /**
     * <pre>
     * Ends the instance: deletes every application, stops the proxies. The
     * control port stays. Without an instance it has no effect.
     * </pre>
     */
    default void shutdownInstance(dev.windlass.v1.ShutdownInstanceRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ShutdownInstanceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getShutdownInstanceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams everything on one ordered feed: first all that is, then `synced`,
     * then each change. A message without an event is progress.
     * Fails with OUT_OF_RANGE where the history after `start_revision` was
     * compacted: watch again from 0.
     * </pre>
     */
    default void watchInstance(dev.windlass.v1.WatchInstanceRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.WatchInstanceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchInstanceMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service InstanceService.
   * <pre>
   * Reads, configures, watches and ends the instance as a whole.
   * </pre>
   */
  public static abstract class InstanceServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return InstanceServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service InstanceService.
   * <pre>
   * Reads, configures, watches and ends the instance as a whole.
   * </pre>
   */
  public static final class InstanceServiceStub
      extends io.grpc.stub.AbstractAsyncStub<InstanceServiceStub> {
    private InstanceServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected InstanceServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new InstanceServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the instance with all that is in it. Never fails for want of an
     * instance: its state is then ABSENT.
     * </pre>
     */
    public void getInstance(dev.windlass.v1.GetInstanceRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.GetInstanceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetInstanceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Replaces the whole desired state, as PUT /api/serve/applications/ does:
     * declarative applications that are not listed are deleted. Returns when the
     * config is stored, not when replicas are up.
     * Fails with INVALID_ARGUMENT and one field violation for each problem, with
     * UNAVAILABLE while the instance ends.
     * </pre>
     */
    public void applyConfig(dev.windlass.v1.ApplyConfigRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ApplyConfigResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getApplyConfigMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Says what ApplyConfig with the same config would do, and does nothing. The
     * sources are built, so that edited ones count. Its token makes the apply
     * exact: it is done as planned, with the code built then, or refused.
     * Fails as ApplyConfig does; an application that cannot be built is an error
     * in the plan.
     * </pre>
     */
    public void planConfig(dev.windlass.v1.PlanConfigRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.PlanConfigResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPlanConfigMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Ends the instance: deletes every application, stops the proxies. The
     * control port stays. Without an instance it has no effect.
     * </pre>
     */
    public void shutdownInstance(dev.windlass.v1.ShutdownInstanceRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ShutdownInstanceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getShutdownInstanceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams everything on one ordered feed: first all that is, then `synced`,
     * then each change. A message without an event is progress.
     * Fails with OUT_OF_RANGE where the history after `start_revision` was
     * compacted: watch again from 0.
     * </pre>
     */
    public void watchInstance(dev.windlass.v1.WatchInstanceRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.WatchInstanceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchInstanceMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service InstanceService.
   * <pre>
   * Reads, configures, watches and ends the instance as a whole.
   * </pre>
   */
  public static final class InstanceServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<InstanceServiceBlockingV2Stub> {
    private InstanceServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected InstanceServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new InstanceServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the instance with all that is in it. Never fails for want of an
     * instance: its state is then ABSENT.
     * </pre>
     */
    public dev.windlass.v1.GetInstanceResponse getInstance(dev.windlass.v1.GetInstanceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetInstanceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Replaces the whole desired state, as PUT /api/serve/applications/ does:
     * declarative applications that are not listed are deleted. Returns when the
     * config is stored, not when replicas are up.
     * Fails with INVALID_ARGUMENT and one field violation for each problem, with
     * UNAVAILABLE while the instance ends.
     * </pre>
     */
    public dev.windlass.v1.ApplyConfigResponse applyConfig(dev.windlass.v1.ApplyConfigRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getApplyConfigMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Says what ApplyConfig with the same config would do, and does nothing. The
     * sources are built, so that edited ones count. Its token makes the apply
     * exact: it is done as planned, with the code built then, or refused.
     * Fails as ApplyConfig does; an application that cannot be built is an error
     * in the plan.
     * </pre>
     */
    public dev.windlass.v1.PlanConfigResponse planConfig(dev.windlass.v1.PlanConfigRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getPlanConfigMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends the instance: deletes every application, stops the proxies. The
     * control port stays. Without an instance it has no effect.
     * </pre>
     */
    public dev.windlass.v1.ShutdownInstanceResponse shutdownInstance(dev.windlass.v1.ShutdownInstanceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getShutdownInstanceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams everything on one ordered feed: first all that is, then `synced`,
     * then each change. A message without an event is progress.
     * Fails with OUT_OF_RANGE where the history after `start_revision` was
     * compacted: watch again from 0.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, dev.windlass.v1.WatchInstanceResponse>
        watchInstance(dev.windlass.v1.WatchInstanceRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchInstanceMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service InstanceService.
   * <pre>
   * Reads, configures, watches and ends the instance as a whole.
   * </pre>
   */
  public static final class InstanceServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<InstanceServiceBlockingStub> {
    private InstanceServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected InstanceServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new InstanceServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the instance with all that is in it. Never fails for want of an
     * instance: its state is then ABSENT.
     * </pre>
     */
    public dev.windlass.v1.GetInstanceResponse getInstance(dev.windlass.v1.GetInstanceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetInstanceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Replaces the whole desired state, as PUT /api/serve/applications/ does:
     * declarative applications that are not listed are deleted. Returns when the
     * config is stored, not when replicas are up.
     * Fails with INVALID_ARGUMENT and one field violation for each problem, with
     * UNAVAILABLE while the instance ends.
     * </pre>
     */
    public dev.windlass.v1.ApplyConfigResponse applyConfig(dev.windlass.v1.ApplyConfigRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getApplyConfigMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Says what ApplyConfig with the same config would do, and does nothing. The
     * sources are built, so that edited ones count. Its token makes the apply
     * exact: it is done as planned, with the code built then, or refused.
     * Fails as ApplyConfig does; an application that cannot be built is an error
     * in the plan.
     * </pre>
     */
    public dev.windlass.v1.PlanConfigResponse planConfig(dev.windlass.v1.PlanConfigRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPlanConfigMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends the instance: deletes every application, stops the proxies. The
     * control port stays. Without an instance it has no effect.
     * </pre>
     */
    public dev.windlass.v1.ShutdownInstanceResponse shutdownInstance(dev.windlass.v1.ShutdownInstanceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getShutdownInstanceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams everything on one ordered feed: first all that is, then `synced`,
     * then each change. A message without an event is progress.
     * Fails with OUT_OF_RANGE where the history after `start_revision` was
     * compacted: watch again from 0.
     * </pre>
     */
    public java.util.Iterator<dev.windlass.v1.WatchInstanceResponse> watchInstance(
        dev.windlass.v1.WatchInstanceRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchInstanceMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service InstanceService.
   * <pre>
   * Reads, configures, watches and ends the instance as a whole.
   * </pre>
   */
  public static final class InstanceServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<InstanceServiceFutureStub> {
    private InstanceServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected InstanceServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new InstanceServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the instance with all that is in it. Never fails for want of an
     * instance: its state is then ABSENT.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.GetInstanceResponse> getInstance(
        dev.windlass.v1.GetInstanceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetInstanceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Replaces the whole desired state, as PUT /api/serve/applications/ does:
     * declarative applications that are not listed are deleted. Returns when the
     * config is stored, not when replicas are up.
     * Fails with INVALID_ARGUMENT and one field violation for each problem, with
     * UNAVAILABLE while the instance ends.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.ApplyConfigResponse> applyConfig(
        dev.windlass.v1.ApplyConfigRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getApplyConfigMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Says what ApplyConfig with the same config would do, and does nothing. The
     * sources are built, so that edited ones count. Its token makes the apply
     * exact: it is done as planned, with the code built then, or refused.
     * Fails as ApplyConfig does; an application that cannot be built is an error
     * in the plan.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.PlanConfigResponse> planConfig(
        dev.windlass.v1.PlanConfigRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPlanConfigMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Ends the instance: deletes every application, stops the proxies. The
     * control port stays. Without an instance it has no effect.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.ShutdownInstanceResponse> shutdownInstance(
        dev.windlass.v1.ShutdownInstanceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getShutdownInstanceMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_INSTANCE = 0;
  private static final int METHODID_APPLY_CONFIG = 1;
  private static final int METHODID_PLAN_CONFIG = 2;
  private static final int METHODID_SHUTDOWN_INSTANCE = 3;
  private static final int METHODID_WATCH_INSTANCE = 4;

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
        case METHODID_GET_INSTANCE:
          serviceImpl.getInstance((dev.windlass.v1.GetInstanceRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.GetInstanceResponse>) responseObserver);
          break;
        case METHODID_APPLY_CONFIG:
          serviceImpl.applyConfig((dev.windlass.v1.ApplyConfigRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.ApplyConfigResponse>) responseObserver);
          break;
        case METHODID_PLAN_CONFIG:
          serviceImpl.planConfig((dev.windlass.v1.PlanConfigRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.PlanConfigResponse>) responseObserver);
          break;
        case METHODID_SHUTDOWN_INSTANCE:
          serviceImpl.shutdownInstance((dev.windlass.v1.ShutdownInstanceRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.ShutdownInstanceResponse>) responseObserver);
          break;
        case METHODID_WATCH_INSTANCE:
          serviceImpl.watchInstance((dev.windlass.v1.WatchInstanceRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.WatchInstanceResponse>) responseObserver);
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
          getGetInstanceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.GetInstanceRequest,
              dev.windlass.v1.GetInstanceResponse>(
                service, METHODID_GET_INSTANCE)))
        .addMethod(
          getApplyConfigMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.ApplyConfigRequest,
              dev.windlass.v1.ApplyConfigResponse>(
                service, METHODID_APPLY_CONFIG)))
        .addMethod(
          getPlanConfigMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.PlanConfigRequest,
              dev.windlass.v1.PlanConfigResponse>(
                service, METHODID_PLAN_CONFIG)))
        .addMethod(
          getShutdownInstanceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.ShutdownInstanceRequest,
              dev.windlass.v1.ShutdownInstanceResponse>(
                service, METHODID_SHUTDOWN_INSTANCE)))
        .addMethod(
          getWatchInstanceMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              dev.windlass.v1.WatchInstanceRequest,
              dev.windlass.v1.WatchInstanceResponse>(
                service, METHODID_WATCH_INSTANCE)))
        .build();
  }

  private static abstract class InstanceServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    InstanceServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return dev.windlass.v1.InstanceServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("InstanceService");
    }
  }

  private static final class InstanceServiceFileDescriptorSupplier
      extends InstanceServiceBaseDescriptorSupplier {
    InstanceServiceFileDescriptorSupplier() {}
  }

  private static final class InstanceServiceMethodDescriptorSupplier
      extends InstanceServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    InstanceServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (InstanceServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new InstanceServiceFileDescriptorSupplier())
              .addMethod(getGetInstanceMethod())
              .addMethod(getApplyConfigMethod())
              .addMethod(getPlanConfigMethod())
              .addMethod(getShutdownInstanceMethod())
              .addMethod(getWatchInstanceMethod())
              .build();
        }
      }
    }
    return result;
  }
}
