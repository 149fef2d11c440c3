package dev.windlass.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Reads, watches, writes and deletes applications.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class ApplicationServiceGrpc {

  private ApplicationServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "windlass.v1.ApplicationService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.GetApplicationRequest,
      dev.windlass.v1.GetApplicationResponse> getGetApplicationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetApplication",
      requestType = dev.windlass.v1.GetApplicationRequest.class,
      responseType = dev.windlass.v1.GetApplicationResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.GetApplicationRequest,
      dev.windlass.v1.GetApplicationResponse> getGetApplicationMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.GetApplicationRequest, dev.windlass.v1.GetApplicationResponse> getGetApplicationMethod;
    if ((getGetApplicationMethod = ApplicationServiceGrpc.getGetApplicationMethod) == null) {
      synchronized (ApplicationServiceGrpc.class) {
        if ((getGetApplicationMethod = ApplicationServiceGrpc.getGetApplicationMethod) == null) {
          ApplicationServiceGrpc.getGetApplicationMethod = getGetApplicationMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.GetApplicationRequest, dev.windlass.v1.GetApplicationResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetApplication"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.GetApplicationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.GetApplicationResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ApplicationServiceMethodDescriptorSupplier("GetApplication"))
              .build();
        }
      }
    }
    return getGetApplicationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.ListApplicationsRequest,
      dev.windlass.v1.ListApplicationsResponse> getListApplicationsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListApplications",
      requestType = dev.windlass.v1.ListApplicationsRequest.class,
      responseType = dev.windlass.v1.ListApplicationsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.ListApplicationsRequest,
      dev.windlass.v1.ListApplicationsResponse> getListApplicationsMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.ListApplicationsRequest, dev.windlass.v1.ListApplicationsResponse> getListApplicationsMethod;
    if ((getListApplicationsMethod = ApplicationServiceGrpc.getListApplicationsMethod) == null) {
      synchronized (ApplicationServiceGrpc.class) {
        if ((getListApplicationsMethod = ApplicationServiceGrpc.getListApplicationsMethod) == null) {
          ApplicationServiceGrpc.getListApplicationsMethod = getListApplicationsMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.ListApplicationsRequest, dev.windlass.v1.ListApplicationsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListApplications"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ListApplicationsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ListApplicationsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ApplicationServiceMethodDescriptorSupplier("ListApplications"))
              .build();
        }
      }
    }
    return getListApplicationsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.WatchApplicationsRequest,
      dev.windlass.v1.WatchApplicationsResponse> getWatchApplicationsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchApplications",
      requestType = dev.windlass.v1.WatchApplicationsRequest.class,
      responseType = dev.windlass.v1.WatchApplicationsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.WatchApplicationsRequest,
      dev.windlass.v1.WatchApplicationsResponse> getWatchApplicationsMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.WatchApplicationsRequest, dev.windlass.v1.WatchApplicationsResponse> getWatchApplicationsMethod;
    if ((getWatchApplicationsMethod = ApplicationServiceGrpc.getWatchApplicationsMethod) == null) {
      synchronized (ApplicationServiceGrpc.class) {
        if ((getWatchApplicationsMethod = ApplicationServiceGrpc.getWatchApplicationsMethod) == null) {
          ApplicationServiceGrpc.getWatchApplicationsMethod = getWatchApplicationsMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.WatchApplicationsRequest, dev.windlass.v1.WatchApplicationsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchApplications"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.WatchApplicationsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.WatchApplicationsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ApplicationServiceMethodDescriptorSupplier("WatchApplications"))
              .build();
        }
      }
    }
    return getWatchApplicationsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.UpdateApplicationRequest,
      dev.windlass.v1.UpdateApplicationResponse> getUpdateApplicationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateApplication",
      requestType = dev.windlass.v1.UpdateApplicationRequest.class,
      responseType = dev.windlass.v1.UpdateApplicationResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.UpdateApplicationRequest,
      dev.windlass.v1.UpdateApplicationResponse> getUpdateApplicationMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.UpdateApplicationRequest, dev.windlass.v1.UpdateApplicationResponse> getUpdateApplicationMethod;
    if ((getUpdateApplicationMethod = ApplicationServiceGrpc.getUpdateApplicationMethod) == null) {
      synchronized (ApplicationServiceGrpc.class) {
        if ((getUpdateApplicationMethod = ApplicationServiceGrpc.getUpdateApplicationMethod) == null) {
          ApplicationServiceGrpc.getUpdateApplicationMethod = getUpdateApplicationMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.UpdateApplicationRequest, dev.windlass.v1.UpdateApplicationResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateApplication"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.UpdateApplicationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.UpdateApplicationResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ApplicationServiceMethodDescriptorSupplier("UpdateApplication"))
              .build();
        }
      }
    }
    return getUpdateApplicationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.DeleteApplicationRequest,
      dev.windlass.v1.DeleteApplicationResponse> getDeleteApplicationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteApplication",
      requestType = dev.windlass.v1.DeleteApplicationRequest.class,
      responseType = dev.windlass.v1.DeleteApplicationResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.DeleteApplicationRequest,
      dev.windlass.v1.DeleteApplicationResponse> getDeleteApplicationMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.DeleteApplicationRequest, dev.windlass.v1.DeleteApplicationResponse> getDeleteApplicationMethod;
    if ((getDeleteApplicationMethod = ApplicationServiceGrpc.getDeleteApplicationMethod) == null) {
      synchronized (ApplicationServiceGrpc.class) {
        if ((getDeleteApplicationMethod = ApplicationServiceGrpc.getDeleteApplicationMethod) == null) {
          ApplicationServiceGrpc.getDeleteApplicationMethod = getDeleteApplicationMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.DeleteApplicationRequest, dev.windlass.v1.DeleteApplicationResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteApplication"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.DeleteApplicationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.DeleteApplicationResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ApplicationServiceMethodDescriptorSupplier("DeleteApplication"))
              .build();
        }
      }
    }
    return getDeleteApplicationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.ListRevisionsRequest,
      dev.windlass.v1.ListRevisionsResponse> getListRevisionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListRevisions",
      requestType = dev.windlass.v1.ListRevisionsRequest.class,
      responseType = dev.windlass.v1.ListRevisionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.ListRevisionsRequest,
      dev.windlass.v1.ListRevisionsResponse> getListRevisionsMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.ListRevisionsRequest, dev.windlass.v1.ListRevisionsResponse> getListRevisionsMethod;
    if ((getListRevisionsMethod = ApplicationServiceGrpc.getListRevisionsMethod) == null) {
      synchronized (ApplicationServiceGrpc.class) {
        if ((getListRevisionsMethod = ApplicationServiceGrpc.getListRevisionsMethod) == null) {
          ApplicationServiceGrpc.getListRevisionsMethod = getListRevisionsMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.ListRevisionsRequest, dev.windlass.v1.ListRevisionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListRevisions"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ListRevisionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ListRevisionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ApplicationServiceMethodDescriptorSupplier("ListRevisions"))
              .build();
        }
      }
    }
    return getListRevisionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.RollbackApplicationRequest,
      dev.windlass.v1.RollbackApplicationResponse> getRollbackApplicationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RollbackApplication",
      requestType = dev.windlass.v1.RollbackApplicationRequest.class,
      responseType = dev.windlass.v1.RollbackApplicationResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.RollbackApplicationRequest,
      dev.windlass.v1.RollbackApplicationResponse> getRollbackApplicationMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.RollbackApplicationRequest, dev.windlass.v1.RollbackApplicationResponse> getRollbackApplicationMethod;
    if ((getRollbackApplicationMethod = ApplicationServiceGrpc.getRollbackApplicationMethod) == null) {
      synchronized (ApplicationServiceGrpc.class) {
        if ((getRollbackApplicationMethod = ApplicationServiceGrpc.getRollbackApplicationMethod) == null) {
          ApplicationServiceGrpc.getRollbackApplicationMethod = getRollbackApplicationMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.RollbackApplicationRequest, dev.windlass.v1.RollbackApplicationResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RollbackApplication"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.RollbackApplicationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.RollbackApplicationResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ApplicationServiceMethodDescriptorSupplier("RollbackApplication"))
              .build();
        }
      }
    }
    return getRollbackApplicationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.RetryApplicationRequest,
      dev.windlass.v1.RetryApplicationResponse> getRetryApplicationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RetryApplication",
      requestType = dev.windlass.v1.RetryApplicationRequest.class,
      responseType = dev.windlass.v1.RetryApplicationResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.RetryApplicationRequest,
      dev.windlass.v1.RetryApplicationResponse> getRetryApplicationMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.RetryApplicationRequest, dev.windlass.v1.RetryApplicationResponse> getRetryApplicationMethod;
    if ((getRetryApplicationMethod = ApplicationServiceGrpc.getRetryApplicationMethod) == null) {
      synchronized (ApplicationServiceGrpc.class) {
        if ((getRetryApplicationMethod = ApplicationServiceGrpc.getRetryApplicationMethod) == null) {
          ApplicationServiceGrpc.getRetryApplicationMethod = getRetryApplicationMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.RetryApplicationRequest, dev.windlass.v1.RetryApplicationResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RetryApplication"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.RetryApplicationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.RetryApplicationResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ApplicationServiceMethodDescriptorSupplier("RetryApplication"))
              .build();
        }
      }
    }
    return getRetryApplicationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.PromoteCanaryRequest,
      dev.windlass.v1.PromoteCanaryResponse> getPromoteCanaryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "PromoteCanary",
      requestType = dev.windlass.v1.PromoteCanaryRequest.class,
      responseType = dev.windlass.v1.PromoteCanaryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.PromoteCanaryRequest,
      dev.windlass.v1.PromoteCanaryResponse> getPromoteCanaryMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.PromoteCanaryRequest, dev.windlass.v1.PromoteCanaryResponse> getPromoteCanaryMethod;
    if ((getPromoteCanaryMethod = ApplicationServiceGrpc.getPromoteCanaryMethod) == null) {
      synchronized (ApplicationServiceGrpc.class) {
        if ((getPromoteCanaryMethod = ApplicationServiceGrpc.getPromoteCanaryMethod) == null) {
          ApplicationServiceGrpc.getPromoteCanaryMethod = getPromoteCanaryMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.PromoteCanaryRequest, dev.windlass.v1.PromoteCanaryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "PromoteCanary"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.PromoteCanaryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.PromoteCanaryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ApplicationServiceMethodDescriptorSupplier("PromoteCanary"))
              .build();
        }
      }
    }
    return getPromoteCanaryMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.AbortCanaryRequest,
      dev.windlass.v1.AbortCanaryResponse> getAbortCanaryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "AbortCanary",
      requestType = dev.windlass.v1.AbortCanaryRequest.class,
      responseType = dev.windlass.v1.AbortCanaryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.AbortCanaryRequest,
      dev.windlass.v1.AbortCanaryResponse> getAbortCanaryMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.AbortCanaryRequest, dev.windlass.v1.AbortCanaryResponse> getAbortCanaryMethod;
    if ((getAbortCanaryMethod = ApplicationServiceGrpc.getAbortCanaryMethod) == null) {
      synchronized (ApplicationServiceGrpc.class) {
        if ((getAbortCanaryMethod = ApplicationServiceGrpc.getAbortCanaryMethod) == null) {
          ApplicationServiceGrpc.getAbortCanaryMethod = getAbortCanaryMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.AbortCanaryRequest, dev.windlass.v1.AbortCanaryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "AbortCanary"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.AbortCanaryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.AbortCanaryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ApplicationServiceMethodDescriptorSupplier("AbortCanary"))
              .build();
        }
      }
    }
    return getAbortCanaryMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.PauseCanaryRequest,
      dev.windlass.v1.PauseCanaryResponse> getPauseCanaryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "PauseCanary",
      requestType = dev.windlass.v1.PauseCanaryRequest.class,
      responseType = dev.windlass.v1.PauseCanaryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.PauseCanaryRequest,
      dev.windlass.v1.PauseCanaryResponse> getPauseCanaryMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.PauseCanaryRequest, dev.windlass.v1.PauseCanaryResponse> getPauseCanaryMethod;
    if ((getPauseCanaryMethod = ApplicationServiceGrpc.getPauseCanaryMethod) == null) {
      synchronized (ApplicationServiceGrpc.class) {
        if ((getPauseCanaryMethod = ApplicationServiceGrpc.getPauseCanaryMethod) == null) {
          ApplicationServiceGrpc.getPauseCanaryMethod = getPauseCanaryMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.PauseCanaryRequest, dev.windlass.v1.PauseCanaryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "PauseCanary"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.PauseCanaryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.PauseCanaryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ApplicationServiceMethodDescriptorSupplier("PauseCanary"))
              .build();
        }
      }
    }
    return getPauseCanaryMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.windlass.v1.ResumeCanaryRequest,
      dev.windlass.v1.ResumeCanaryResponse> getResumeCanaryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ResumeCanary",
      requestType = dev.windlass.v1.ResumeCanaryRequest.class,
      responseType = dev.windlass.v1.ResumeCanaryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.windlass.v1.ResumeCanaryRequest,
      dev.windlass.v1.ResumeCanaryResponse> getResumeCanaryMethod() {
    io.grpc.MethodDescriptor<dev.windlass.v1.ResumeCanaryRequest, dev.windlass.v1.ResumeCanaryResponse> getResumeCanaryMethod;
    if ((getResumeCanaryMethod = ApplicationServiceGrpc.getResumeCanaryMethod) == null) {
      synchronized (ApplicationServiceGrpc.class) {
        if ((getResumeCanaryMethod = ApplicationServiceGrpc.getResumeCanaryMethod) == null) {
          ApplicationServiceGrpc.getResumeCanaryMethod = getResumeCanaryMethod =
              io.grpc.MethodDescriptor.<dev.windlass.v1.ResumeCanaryRequest, dev.windlass.v1.ResumeCanaryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ResumeCanary"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ResumeCanaryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.windlass.v1.ResumeCanaryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ApplicationServiceMethodDescriptorSupplier("ResumeCanary"))
              .build();
        }
      }
    }
    return getResumeCanaryMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static ApplicationServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ApplicationServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ApplicationServiceStub>() {
        @java.lang.Override
        public ApplicationServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ApplicationServiceStub(channel, callOptions);
        }
      };
    return ApplicationServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static ApplicationServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ApplicationServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ApplicationServiceBlockingV2Stub>() {
        @java.lang.Override
        public ApplicationServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ApplicationServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return ApplicationServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static ApplicationServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ApplicationServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ApplicationServiceBlockingStub>() {
        @java.lang.Override
        public ApplicationServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ApplicationServiceBlockingStub(channel, callOptions);
        }
      };
    return ApplicationServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static ApplicationServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ApplicationServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ApplicationServiceFutureStub>() {
        @java.lang.Override
        public ApplicationServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ApplicationServiceFutureStub(channel, callOptions);
        }
      };
    return ApplicationServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Reads, watches, writes and deletes applications.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Returns one application. NOT_FOUND if it does not exist.
     * </pre>
     */
    default void getApplication(dev.windlass.v1.GetApplicationRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.GetApplicationResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetApplicationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns the applications, ordered by name.
     * </pre>
     */
    default void listApplications(dev.windlass.v1.ListApplicationsRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ListApplicationsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListApplicationsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams applications: first every current one, then `synced`, then each change.
     * OUT_OF_RANGE as WatchInstance.
     * </pre>
     */
    default void watchApplications(dev.windlass.v1.WatchApplicationsRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.WatchApplicationsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchApplicationsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Makes or replaces one application and leaves the others alone. Returns when
     * the config is stored, not when replicas are up. Makes an instance where there
     * is none.
     * Fails with NOT_FOUND unless `allow_missing`, with ABORTED where `etag` is
     * stale, with INVALID_ARGUMENT and one field violation for each problem, with
     * UNAVAILABLE while the instance ends.
     * </pre>
     */
    default void updateApplication(dev.windlass.v1.UpdateApplicationRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.UpdateApplicationResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateApplicationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes an application. Returns when that is stored; its replicas drain after.
     * Fails with NOT_FOUND unless `allow_missing`, and with ABORTED where `etag` is stale.
     * </pre>
     */
    default void deleteApplication(dev.windlass.v1.DeleteApplicationRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.DeleteApplicationResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteApplicationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns the revisions of an application that are kept, newest first.
     * </pre>
     */
    default void listRevisions(dev.windlass.v1.ListRevisionsRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ListRevisionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListRevisionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Makes a new revision that equals an earlier one, its code included, and
     * rolls it out. Returns when that is stored, not when replicas are up.
     * Fails with NOT_FOUND where there is no such application or revision, with
     * FAILED_PRECONDITION where there is nothing to go back to or the revision's
     * code is gone, with ABORTED where `etag` is stale, and with UNAVAILABLE
     * while the instance ends.
     * </pre>
     */
    default void rollbackApplication(dev.windlass.v1.RollbackApplicationRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.RollbackApplicationResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRollbackApplicationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tries again what failed: a build, or starts that were given up or frozen.
     * Without effect on an application that has not failed.
     * </pre>
     */
    default void retryApplication(dev.windlass.v1.RetryApplicationRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.RetryApplicationResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRetryApplicationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Goes on to the next step of a canary, or to the end with `full`.
     * FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    default void promoteCanary(dev.windlass.v1.PromoteCanaryRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.PromoteCanaryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPromoteCanaryMethod(), responseObserver);
    }

    /**
     * <pre>
     * Goes back to the revision before the canary; a new revision equal to it.
     * FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    default void abortCanary(dev.windlass.v1.AbortCanaryRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.AbortCanaryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getAbortCanaryMethod(), responseObserver);
    }

    /**
     * <pre>
     * Holds a canary at its present weight; it is still watched and may be
     * aborted by its analysis. FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    default void pauseCanary(dev.windlass.v1.PauseCanaryRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.PauseCanaryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPauseCanaryMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lets a held canary go on. FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    default void resumeCanary(dev.windlass.v1.ResumeCanaryRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ResumeCanaryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getResumeCanaryMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ApplicationService.
   * <pre>
   * Reads, watches, writes and deletes applications.
   * </pre>
   */
  public static abstract class ApplicationServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return ApplicationServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service ApplicationService.
   * <pre>
   * Reads, watches, writes and deletes applications.
   * </pre>
   */
  public static final class ApplicationServiceStub
      extends io.grpc.stub.AbstractAsyncStub<ApplicationServiceStub> {
    private ApplicationServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ApplicationServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ApplicationServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns one application. NOT_FOUND if it does not exist.
     * </pre>
     */
    public void getApplication(dev.windlass.v1.GetApplicationRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.GetApplicationResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetApplicationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns the applications, ordered by name.
     * </pre>
     */
    public void listApplications(dev.windlass.v1.ListApplicationsRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ListApplicationsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListApplicationsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams applications: first every current one, then `synced`, then each change.
     * OUT_OF_RANGE as WatchInstance.
     * </pre>
     */
    public void watchApplications(dev.windlass.v1.WatchApplicationsRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.WatchApplicationsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchApplicationsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Makes or replaces one application and leaves the others alone. Returns when
     * the config is stored, not when replicas are up. Makes an instance where there
     * is none.
     * Fails with NOT_FOUND unless `allow_missing`, with ABORTED where `etag` is
     * stale, with INVALID_ARGUMENT and one field violation for each problem, with
     * UNAVAILABLE while the instance ends.
     * </pre>
     */
    public void updateApplication(dev.windlass.v1.UpdateApplicationRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.UpdateApplicationResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateApplicationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes an application. Returns when that is stored; its replicas drain after.
     * Fails with NOT_FOUND unless `allow_missing`, and with ABORTED where `etag` is stale.
     * </pre>
     */
    public void deleteApplication(dev.windlass.v1.DeleteApplicationRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.DeleteApplicationResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteApplicationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns the revisions of an application that are kept, newest first.
     * </pre>
     */
    public void listRevisions(dev.windlass.v1.ListRevisionsRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ListRevisionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListRevisionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Makes a new revision that equals an earlier one, its code included, and
     * rolls it out. Returns when that is stored, not when replicas are up.
     * Fails with NOT_FOUND where there is no such application or revision, with
     * FAILED_PRECONDITION where there is nothing to go back to or the revision's
     * code is gone, with ABORTED where `etag` is stale, and with UNAVAILABLE
     * while the instance ends.
     * </pre>
     */
    public void rollbackApplication(dev.windlass.v1.RollbackApplicationRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.RollbackApplicationResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRollbackApplicationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tries again what failed: a build, or starts that were given up or frozen.
     * Without effect on an application that has not failed.
     * </pre>
     */
    public void retryApplication(dev.windlass.v1.RetryApplicationRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.RetryApplicationResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRetryApplicationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Goes on to the next step of a canary, or to the end with `full`.
     * FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public void promoteCanary(dev.windlass.v1.PromoteCanaryRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.PromoteCanaryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPromoteCanaryMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Goes back to the revision before the canary; a new revision equal to it.
     * FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public void abortCanary(dev.windlass.v1.AbortCanaryRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.AbortCanaryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getAbortCanaryMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Holds a canary at its present weight; it is still watched and may be
     * aborted by its analysis. FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public void pauseCanary(dev.windlass.v1.PauseCanaryRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.PauseCanaryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPauseCanaryMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lets a held canary go on. FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public void resumeCanary(dev.windlass.v1.ResumeCanaryRequest request,
        io.grpc.stub.StreamObserver<dev.windlass.v1.ResumeCanaryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getResumeCanaryMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ApplicationService.
   * <pre>
   * Reads, watches, writes and deletes applications.
   * </pre>
   */
  public static final class ApplicationServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<ApplicationServiceBlockingV2Stub> {
    private ApplicationServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ApplicationServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ApplicationServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns one application. NOT_FOUND if it does not exist.
     * </pre>
     */
    public dev.windlass.v1.GetApplicationResponse getApplication(dev.windlass.v1.GetApplicationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetApplicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the applications, ordered by name.
     * </pre>
     */
    public dev.windlass.v1.ListApplicationsResponse listApplications(dev.windlass.v1.ListApplicationsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListApplicationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams applications: first every current one, then `synced`, then each change.
     * OUT_OF_RANGE as WatchInstance.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, dev.windlass.v1.WatchApplicationsResponse>
        watchApplications(dev.windlass.v1.WatchApplicationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchApplicationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes or replaces one application and leaves the others alone. Returns when
     * the config is stored, not when replicas are up. Makes an instance where there
     * is none.
     * Fails with NOT_FOUND unless `allow_missing`, with ABORTED where `etag` is
     * stale, with INVALID_ARGUMENT and one field violation for each problem, with
     * UNAVAILABLE while the instance ends.
     * </pre>
     */
    public dev.windlass.v1.UpdateApplicationResponse updateApplication(dev.windlass.v1.UpdateApplicationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateApplicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes an application. Returns when that is stored; its replicas drain after.
     * Fails with NOT_FOUND unless `allow_missing`, and with ABORTED where `etag` is stale.
     * </pre>
     */
    public dev.windlass.v1.DeleteApplicationResponse deleteApplication(dev.windlass.v1.DeleteApplicationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteApplicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the revisions of an application that are kept, newest first.
     * </pre>
     */
    public dev.windlass.v1.ListRevisionsResponse listRevisions(dev.windlass.v1.ListRevisionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListRevisionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes a new revision that equals an earlier one, its code included, and
     * rolls it out. Returns when that is stored, not when replicas are up.
     * Fails with NOT_FOUND where there is no such application or revision, with
     * FAILED_PRECONDITION where there is nothing to go back to or the revision's
     * code is gone, with ABORTED where `etag` is stale, and with UNAVAILABLE
     * while the instance ends.
     * </pre>
     */
    public dev.windlass.v1.RollbackApplicationResponse rollbackApplication(dev.windlass.v1.RollbackApplicationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRollbackApplicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tries again what failed: a build, or starts that were given up or frozen.
     * Without effect on an application that has not failed.
     * </pre>
     */
    public dev.windlass.v1.RetryApplicationResponse retryApplication(dev.windlass.v1.RetryApplicationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRetryApplicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Goes on to the next step of a canary, or to the end with `full`.
     * FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public dev.windlass.v1.PromoteCanaryResponse promoteCanary(dev.windlass.v1.PromoteCanaryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getPromoteCanaryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Goes back to the revision before the canary; a new revision equal to it.
     * FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public dev.windlass.v1.AbortCanaryResponse abortCanary(dev.windlass.v1.AbortCanaryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getAbortCanaryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Holds a canary at its present weight; it is still watched and may be
     * aborted by its analysis. FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public dev.windlass.v1.PauseCanaryResponse pauseCanary(dev.windlass.v1.PauseCanaryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getPauseCanaryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets a held canary go on. FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public dev.windlass.v1.ResumeCanaryResponse resumeCanary(dev.windlass.v1.ResumeCanaryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getResumeCanaryMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ApplicationService.
   * <pre>
   * Reads, watches, writes and deletes applications.
   * </pre>
   */
  public static final class ApplicationServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<ApplicationServiceBlockingStub> {
    private ApplicationServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ApplicationServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ApplicationServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns one application. NOT_FOUND if it does not exist.
     * </pre>
     */
    public dev.windlass.v1.GetApplicationResponse getApplication(dev.windlass.v1.GetApplicationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetApplicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the applications, ordered by name.
     * </pre>
     */
    public dev.windlass.v1.ListApplicationsResponse listApplications(dev.windlass.v1.ListApplicationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListApplicationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams applications: first every current one, then `synced`, then each change.
     * OUT_OF_RANGE as WatchInstance.
     * </pre>
     */
    public java.util.Iterator<dev.windlass.v1.WatchApplicationsResponse> watchApplications(
        dev.windlass.v1.WatchApplicationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchApplicationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes or replaces one application and leaves the others alone. Returns when
     * the config is stored, not when replicas are up. Makes an instance where there
     * is none.
     * Fails with NOT_FOUND unless `allow_missing`, with ABORTED where `etag` is
     * stale, with INVALID_ARGUMENT and one field violation for each problem, with
     * UNAVAILABLE while the instance ends.
     * </pre>
     */
    public dev.windlass.v1.UpdateApplicationResponse updateApplication(dev.windlass.v1.UpdateApplicationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateApplicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes an application. Returns when that is stored; its replicas drain after.
     * Fails with NOT_FOUND unless `allow_missing`, and with ABORTED where `etag` is stale.
     * </pre>
     */
    public dev.windlass.v1.DeleteApplicationResponse deleteApplication(dev.windlass.v1.DeleteApplicationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteApplicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the revisions of an application that are kept, newest first.
     * </pre>
     */
    public dev.windlass.v1.ListRevisionsResponse listRevisions(dev.windlass.v1.ListRevisionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListRevisionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes a new revision that equals an earlier one, its code included, and
     * rolls it out. Returns when that is stored, not when replicas are up.
     * Fails with NOT_FOUND where there is no such application or revision, with
     * FAILED_PRECONDITION where there is nothing to go back to or the revision's
     * code is gone, with ABORTED where `etag` is stale, and with UNAVAILABLE
     * while the instance ends.
     * </pre>
     */
    public dev.windlass.v1.RollbackApplicationResponse rollbackApplication(dev.windlass.v1.RollbackApplicationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRollbackApplicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tries again what failed: a build, or starts that were given up or frozen.
     * Without effect on an application that has not failed.
     * </pre>
     */
    public dev.windlass.v1.RetryApplicationResponse retryApplication(dev.windlass.v1.RetryApplicationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRetryApplicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Goes on to the next step of a canary, or to the end with `full`.
     * FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public dev.windlass.v1.PromoteCanaryResponse promoteCanary(dev.windlass.v1.PromoteCanaryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPromoteCanaryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Goes back to the revision before the canary; a new revision equal to it.
     * FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public dev.windlass.v1.AbortCanaryResponse abortCanary(dev.windlass.v1.AbortCanaryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getAbortCanaryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Holds a canary at its present weight; it is still watched and may be
     * aborted by its analysis. FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public dev.windlass.v1.PauseCanaryResponse pauseCanary(dev.windlass.v1.PauseCanaryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPauseCanaryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets a held canary go on. FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public dev.windlass.v1.ResumeCanaryResponse resumeCanary(dev.windlass.v1.ResumeCanaryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getResumeCanaryMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ApplicationService.
   * <pre>
   * Reads, watches, writes and deletes applications.
   * </pre>
   */
  public static final class ApplicationServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<ApplicationServiceFutureStub> {
    private ApplicationServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ApplicationServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ApplicationServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns one application. NOT_FOUND if it does not exist.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.GetApplicationResponse> getApplication(
        dev.windlass.v1.GetApplicationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetApplicationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns the applications, ordered by name.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.ListApplicationsResponse> listApplications(
        dev.windlass.v1.ListApplicationsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListApplicationsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Makes or replaces one application and leaves the others alone. Returns when
     * the config is stored, not when replicas are up. Makes an instance where there
     * is none.
     * Fails with NOT_FOUND unless `allow_missing`, with ABORTED where `etag` is
     * stale, with INVALID_ARGUMENT and one field violation for each problem, with
     * UNAVAILABLE while the instance ends.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.UpdateApplicationResponse> updateApplication(
        dev.windlass.v1.UpdateApplicationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateApplicationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes an application. Returns when that is stored; its replicas drain after.
     * Fails with NOT_FOUND unless `allow_missing`, and with ABORTED where `etag` is stale.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.DeleteApplicationResponse> deleteApplication(
        dev.windlass.v1.DeleteApplicationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteApplicationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns the revisions of an application that are kept, newest first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.ListRevisionsResponse> listRevisions(
        dev.windlass.v1.ListRevisionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListRevisionsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Makes a new revision that equals an earlier one, its code included, and
     * rolls it out. Returns when that is stored, not when replicas are up.
     * Fails with NOT_FOUND where there is no such application or revision, with
     * FAILED_PRECONDITION where there is nothing to go back to or the revision's
     * code is gone, with ABORTED where `etag` is stale, and with UNAVAILABLE
     * while the instance ends.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.RollbackApplicationResponse> rollbackApplication(
        dev.windlass.v1.RollbackApplicationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRollbackApplicationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tries again what failed: a build, or starts that were given up or frozen.
     * Without effect on an application that has not failed.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.RetryApplicationResponse> retryApplication(
        dev.windlass.v1.RetryApplicationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRetryApplicationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Goes on to the next step of a canary, or to the end with `full`.
     * FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.PromoteCanaryResponse> promoteCanary(
        dev.windlass.v1.PromoteCanaryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPromoteCanaryMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Goes back to the revision before the canary; a new revision equal to it.
     * FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.AbortCanaryResponse> abortCanary(
        dev.windlass.v1.AbortCanaryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getAbortCanaryMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Holds a canary at its present weight; it is still watched and may be
     * aborted by its analysis. FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.PauseCanaryResponse> pauseCanary(
        dev.windlass.v1.PauseCanaryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPauseCanaryMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lets a held canary go on. FAILED_PRECONDITION where no canary runs.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.windlass.v1.ResumeCanaryResponse> resumeCanary(
        dev.windlass.v1.ResumeCanaryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getResumeCanaryMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_APPLICATION = 0;
  private static final int METHODID_LIST_APPLICATIONS = 1;
  private static final int METHODID_WATCH_APPLICATIONS = 2;
  private static final int METHODID_UPDATE_APPLICATION = 3;
  private static final int METHODID_DELETE_APPLICATION = 4;
  private static final int METHODID_LIST_REVISIONS = 5;
  private static final int METHODID_ROLLBACK_APPLICATION = 6;
  private static final int METHODID_RETRY_APPLICATION = 7;
  private static final int METHODID_PROMOTE_CANARY = 8;
  private static final int METHODID_ABORT_CANARY = 9;
  private static final int METHODID_PAUSE_CANARY = 10;
  private static final int METHODID_RESUME_CANARY = 11;

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
        case METHODID_GET_APPLICATION:
          serviceImpl.getApplication((dev.windlass.v1.GetApplicationRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.GetApplicationResponse>) responseObserver);
          break;
        case METHODID_LIST_APPLICATIONS:
          serviceImpl.listApplications((dev.windlass.v1.ListApplicationsRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.ListApplicationsResponse>) responseObserver);
          break;
        case METHODID_WATCH_APPLICATIONS:
          serviceImpl.watchApplications((dev.windlass.v1.WatchApplicationsRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.WatchApplicationsResponse>) responseObserver);
          break;
        case METHODID_UPDATE_APPLICATION:
          serviceImpl.updateApplication((dev.windlass.v1.UpdateApplicationRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.UpdateApplicationResponse>) responseObserver);
          break;
        case METHODID_DELETE_APPLICATION:
          serviceImpl.deleteApplication((dev.windlass.v1.DeleteApplicationRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.DeleteApplicationResponse>) responseObserver);
          break;
        case METHODID_LIST_REVISIONS:
          serviceImpl.listRevisions((dev.windlass.v1.ListRevisionsRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.ListRevisionsResponse>) responseObserver);
          break;
        case METHODID_ROLLBACK_APPLICATION:
          serviceImpl.rollbackApplication((dev.windlass.v1.RollbackApplicationRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.RollbackApplicationResponse>) responseObserver);
          break;
        case METHODID_RETRY_APPLICATION:
          serviceImpl.retryApplication((dev.windlass.v1.RetryApplicationRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.RetryApplicationResponse>) responseObserver);
          break;
        case METHODID_PROMOTE_CANARY:
          serviceImpl.promoteCanary((dev.windlass.v1.PromoteCanaryRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.PromoteCanaryResponse>) responseObserver);
          break;
        case METHODID_ABORT_CANARY:
          serviceImpl.abortCanary((dev.windlass.v1.AbortCanaryRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.AbortCanaryResponse>) responseObserver);
          break;
        case METHODID_PAUSE_CANARY:
          serviceImpl.pauseCanary((dev.windlass.v1.PauseCanaryRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.PauseCanaryResponse>) responseObserver);
          break;
        case METHODID_RESUME_CANARY:
          serviceImpl.resumeCanary((dev.windlass.v1.ResumeCanaryRequest) request,
              (io.grpc.stub.StreamObserver<dev.windlass.v1.ResumeCanaryResponse>) responseObserver);
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
          getGetApplicationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.GetApplicationRequest,
              dev.windlass.v1.GetApplicationResponse>(
                service, METHODID_GET_APPLICATION)))
        .addMethod(
          getListApplicationsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.ListApplicationsRequest,
              dev.windlass.v1.ListApplicationsResponse>(
                service, METHODID_LIST_APPLICATIONS)))
        .addMethod(
          getWatchApplicationsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              dev.windlass.v1.WatchApplicationsRequest,
              dev.windlass.v1.WatchApplicationsResponse>(
                service, METHODID_WATCH_APPLICATIONS)))
        .addMethod(
          getUpdateApplicationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.UpdateApplicationRequest,
              dev.windlass.v1.UpdateApplicationResponse>(
                service, METHODID_UPDATE_APPLICATION)))
        .addMethod(
          getDeleteApplicationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.DeleteApplicationRequest,
              dev.windlass.v1.DeleteApplicationResponse>(
                service, METHODID_DELETE_APPLICATION)))
        .addMethod(
          getListRevisionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.ListRevisionsRequest,
              dev.windlass.v1.ListRevisionsResponse>(
                service, METHODID_LIST_REVISIONS)))
        .addMethod(
          getRollbackApplicationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.RollbackApplicationRequest,
              dev.windlass.v1.RollbackApplicationResponse>(
                service, METHODID_ROLLBACK_APPLICATION)))
        .addMethod(
          getRetryApplicationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.RetryApplicationRequest,
              dev.windlass.v1.RetryApplicationResponse>(
                service, METHODID_RETRY_APPLICATION)))
        .addMethod(
          getPromoteCanaryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.PromoteCanaryRequest,
              dev.windlass.v1.PromoteCanaryResponse>(
                service, METHODID_PROMOTE_CANARY)))
        .addMethod(
          getAbortCanaryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.AbortCanaryRequest,
              dev.windlass.v1.AbortCanaryResponse>(
                service, METHODID_ABORT_CANARY)))
        .addMethod(
          getPauseCanaryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.PauseCanaryRequest,
              dev.windlass.v1.PauseCanaryResponse>(
                service, METHODID_PAUSE_CANARY)))
        .addMethod(
          getResumeCanaryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.windlass.v1.ResumeCanaryRequest,
              dev.windlass.v1.ResumeCanaryResponse>(
                service, METHODID_RESUME_CANARY)))
        .build();
  }

  private static abstract class ApplicationServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    ApplicationServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return dev.windlass.v1.ApplicationServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("ApplicationService");
    }
  }

  private static final class ApplicationServiceFileDescriptorSupplier
      extends ApplicationServiceBaseDescriptorSupplier {
    ApplicationServiceFileDescriptorSupplier() {}
  }

  private static final class ApplicationServiceMethodDescriptorSupplier
      extends ApplicationServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    ApplicationServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (ApplicationServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new ApplicationServiceFileDescriptorSupplier())
              .addMethod(getGetApplicationMethod())
              .addMethod(getListApplicationsMethod())
              .addMethod(getWatchApplicationsMethod())
              .addMethod(getUpdateApplicationMethod())
              .addMethod(getDeleteApplicationMethod())
              .addMethod(getListRevisionsMethod())
              .addMethod(getRollbackApplicationMethod())
              .addMethod(getRetryApplicationMethod())
              .addMethod(getPromoteCanaryMethod())
              .addMethod(getAbortCanaryMethod())
              .addMethod(getPauseCanaryMethod())
              .addMethod(getResumeCanaryMethod())
              .build();
        }
      }
    }
    return result;
  }
}
