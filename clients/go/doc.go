// Package windlass deploys, scales and watches applications on Windlass.
//
// [New] makes a client from the environment; its fields are the services of the API, with requests and answers of
// windlass/client/gen/windlass/v1. The methods named Watch… of [Client] go on across cut connections. Errors are
// gRPC's: [ReasonOf] and [ViolationsOf] read what Windlass says in them. For Connect over HTTP/1.1 or HTTP/2 see
// [NewHTTPClient].
package windlass

// Version is the version of this client, and of the Windlass it belongs to.
const Version = "0.1.0"
