// Made by generate.sh.
/// Unary calls without side effects.
pub(crate) const SAFE: &[&str] = &[
    "/windlass.v1.ApplicationService/GetApplication",
    "/windlass.v1.ApplicationService/ListApplications",
    "/windlass.v1.ApplicationService/ListRevisions",
    "/windlass.v1.DeploymentService/GetDeployment",
    "/windlass.v1.DeploymentService/GetRecordedLoad",
    "/windlass.v1.DeploymentService/ListDeployments",
    "/windlass.v1.DeploymentService/ListScalingDecisions",
    "/windlass.v1.InstanceService/GetInstance",
    "/windlass.v1.TokenService/GetApplicationToken",
    "/windlass.v1.TokenService/ListTokens",
];

/// Calls that answer with a stream.
pub(crate) const STREAMING: &[&str] = &[
    "/windlass.v1.ApplicationService/WatchApplications",
    "/windlass.v1.DeploymentService/WatchDeployments",
    "/windlass.v1.DeploymentService/WatchReplicas",
    "/windlass.v1.DeploymentService/WatchScalingDecisions",
    "/windlass.v1.InstanceService/WatchInstance",
];
